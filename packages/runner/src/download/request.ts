import { setTimeout as pause } from 'node:timers/promises';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { type Dispatcher, request } from 'undici';
import { codeOf } from '../errors.js';
import { firstLine } from './foreign-content.js';
import type { PartFile, Version } from './part-file.js';

/** Why an attempt failed: the connection, a server that may do better soon, or one that won't. */
export class Trouble extends Error {
  override readonly name = 'Trouble';
  constructor(
    readonly kind: 'connection' | 'passing' | 'lasting',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(withoutSecrets(message), options);
  }
}

/** How a server is asked. */
export interface Connection {
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
  /** Silence that is borne before the answer. */
  readonly timeoutMs: number;
}

/** Bytes of a file, from one on. */
export interface Answer {
  readonly from: number;
  readonly version: Version;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const REDIRECTS = 10;

/** What no file that is downloaded is: pages and words of a server, whatever its status says. */
const isPage = (type: string) => /^(text\/html|(text|application)\/([^;]*\+)?(xml|json))\b/i.test(type);

/**
 * Asks for what is missing of a file. What is here already is only gone on from where the server gives exactly that of the
 * same version; else the answer starts from 0, or the part is forgotten.
 *
 * @throws Trouble
 */
export async function ask(address: string, part: PartFile, connection: Connection): Promise<Answer> {
  const { bytes, version } = part;
  const goesOn = bytes > 0 && version?.validator !== undefined;
  const response = await follow(address, connection, {
    'accept-encoding': 'identity',
    'user-agent': 'fewstep',
    ...(goesOn && { range: `bytes=${bytes}-`, 'if-range': version.validator }),
  });
  const { statusCode: status, headers, body } = response;
  const refuse = async (kind: Trouble['kind'], message: string): Promise<never> => {
    await body.dump().catch(() => {});
    throw new Trouble(kind, message, status);
  };
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return refuse('lasting', `the server sends it encoded (${encoding}), unasked`);
  const chunks = received(body);

  if (status === 200) {
    const type = String(headers['content-type'] ?? '');
    if (isPage(type)) {
      const begins = await chunks.next();
      return refuse(
        'lasting',
        `what comes is no such file but ${type}: ${firstLine(Buffer.from(begins.value ?? []))}`,
      );
    }
    const total = lengthOf(headers['content-length']);
    if (total === undefined && headers['transfer-encoding'] === undefined)
      return refuse('lasting', 'the server does not say how long it is, so that its end could not be told');
    return { from: 0, version: { validator: validatorOf(headers), total }, chunks };
  }
  if (goesOn && (status === 206 || status === 416)) {
    const range = rangeOf(headers['content-range']);
    // one that doesn't say what it goes on with may go on with another
    const same = validatorOf(headers) === version.validator;
    const fits = range?.from === bytes && range.total === (version.total ?? range.total);
    if (status === 206 && same && fits)
      return { from: bytes, version: { ...version, total: range.total }, chunks };
    await part.forget();
    return refuse('passing', 'the server gives other bytes than those asked for');
  }
  const passing = status >= 500 || status === 408 || status === 429;
  return refuse(passing ? 'passing' : 'lasting', `the server answers ${status}`);
}

/**
 * How long a file is, as a server says that is asked for its first byte alone; one that gives all of it is not listened to
 * any further. undefined where it doesn't say, or what it gives is no such file.
 *
 * @throws Trouble
 */
export async function askLength(address: string, connection: Connection): Promise<number | undefined> {
  const {
    statusCode: status,
    headers,
    body,
  } = await follow(address, connection, {
    'accept-encoding': 'identity',
    'user-agent': 'fewstep',
    range: 'bytes=0-0',
  });
  body.on('error', () => {}).destroy();
  const { 'content-range': range, 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
  if (encoding !== 'identity' || isPage(String(type ?? ''))) return undefined;
  if (status === 206) return lengthOf(/^bytes 0-0\/(\d+)$/i.exec(String(range))?.[1]);
  return status === 200 ? lengthOf(headers['content-length']) : undefined;
}

async function follow(
  address: string,
  connection: Connection,
  headers: Readonly<Record<string, string>>,
): Promise<Dispatcher.ResponseData> {
  let url = new URL(address);
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const response = await send(url, connection, headers).catch(lost);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== 'string')
      return response;
    await response.body.dump().catch(() => {});
    const next = redirected(url, location);
    if (!next)
      throw new Trouble(
        'lasting',
        `the server redirects to ${JSON.stringify(location)}, which is not followed`,
      );
    url = next;
  }
  throw new Trouble('lasting', `it is redirected more than ${REDIRECTS} times, at last to ${url}`);
}

/** Where a redirect leads; nowhere where it is no address, or would give up encryption. */
export function redirected(from: URL, location: string): URL | undefined {
  if (!URL.canParse(location, from.href)) return undefined;
  const to = new URL(location, from);
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:') ? to : undefined;
}

/** Neither a signal nor a timeout of undici's ends the wait for a proxy that doesn't answer. */
async function send(
  url: URL,
  { dispatcher, signal, timeoutMs }: Connection,
  headers: Readonly<Record<string, string>>,
): Promise<Dispatcher.ResponseData> {
  const answered = new AbortController();
  const silence = async (): Promise<never> => {
    await pause(timeoutMs, undefined, { signal: AbortSignal.any([signal, answered.signal]) });
    throw new Error(`no answer came within ${timeoutMs / 1000} s`);
  };
  try {
    return await Promise.race([request(url, { dispatcher, signal, headers }), silence()]);
  } finally {
    answered.abort();
  }
}

async function* received(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* body;
  } catch (cause) {
    lost(cause);
  }
  return undefined;
}

function lost(cause: unknown): never {
  const { message } = cause as Error;
  const code = codeOf(cause);
  throw new Trouble(
    'connection',
    code && !message.includes(code) ? `${message} (${code})` : message,
    undefined,
    { cause },
  );
}

type Headers = Dispatcher.ResponseData['headers'];

/**
 * What If-Range may be given (RFC 9110, sections 8.8.2.2 and 13.1.5): weak ETags promise nothing about bytes, nor does a
 * date of the second that the answer is of, in which the file may have changed twice.
 */
function validatorOf({ etag, 'last-modified': modified, date }: Headers): string | undefined {
  if (etag !== undefined)
    return typeof etag === 'string' && /^"[\x21\x23-\x7e]*"$/.test(etag) ? etag : undefined;
  return Date.parse(String(date)) - Date.parse(String(modified)) >= 1000 ? String(modified) : undefined;
}

function lengthOf(text: string | string[] | undefined): number | undefined {
  const length = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(length) ? length : undefined;
}

/** `bytes 100-199/200`: RFC 9110 section 14.4. */
function rangeOf(text: string | string[] | undefined): { from: number; total: number } | undefined {
  const match = typeof text === 'string' ? /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(text) : null;
  if (!match) return undefined;
  const [from, to, total] = match.slice(1).map(Number) as [number, number, number];
  return from <= to && to === total - 1 ? { from, total } : undefined;
}
