import { setTimeout as pause } from 'node:timers/promises';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { EnvHttpProxyAgent } from 'undici';
import { RunnerError } from '../errors.js';
import { makeWhole, type PartFile } from './part-file.js';
import { type Answer, ask, askLength, type Connection, Trouble } from './request.js';

interface DownloadOptions {
  /** Told as bytes arrive: how many are here, and how many there will be where the server says it. */
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
  /** Looks at the whole file before it gets its name; where it throws, nothing stays. */
  readonly check?: (path: string) => Promise<void>;
  /** Bytes that it may have. Default: any number. */
  readonly most?: number | undefined;
  readonly signal?: AbortSignal;
  /** Silence after which a connection is given up, before the answer or in it. */
  readonly timeoutMs?: number;
  /** Pauses before each further attempt. */
  readonly pausesMs?: readonly number[];
}

/**
 * Downloads a file to a path, which is there once the file is whole and on the disk, never before.
 *
 * - What came stays beside it as `PATH.part`, and the next attempt goes on from there: of this call, which tries again
 *   where a server that has answered may recover, or of a later one. It goes on only where what is here is still what
 *   came, and where the server promises that the file is still the same (If-Range, RFC 9110 section 13.1.5); otherwise it
 *   starts anew.
 * - A page of HTML, XML or JSON is no file that is downloaded, whatever the status says that it comes with.
 * - Proxies are those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
 * - Redirects are followed, but not from https to http.
 *
 * @throws RunnerError `E_DOWNLOAD` (exit code 1), with `address`, `path`, `bytes` and the HTTP `status`, where there is
 * one, as evidence; `E_INTERRUPTED`; `E_RESULTS` where the disk refuses; `E_BUSY` while another process downloads it.
 */
export async function download(
  address: string,
  path: string,
  {
    onProgress = () => {},
    check = async () => {},
    most = Infinity,
    signal = new AbortController().signal,
    timeoutMs = 60_000,
    pausesMs = [1_000, 3_000, 10_000, 30_000],
  }: DownloadOptions = {},
): Promise<void> {
  const complete = async (part: PartFile) => {
    let answered = false;
    for (let attempt = 0; ; attempt++) {
      try {
        await obtain(address, part, most, { signal, timeoutMs }, (total) => {
          answered = true;
          onProgress(part.bytes, total);
        });
        return;
      } catch (error) {
        if (signal.aborted) throw interrupted(part);
        if (!(error instanceof Trouble)) throw error;
        const passes = error.kind === 'passing' || (error.kind === 'connection' && answered);
        const wait = pausesMs[attempt];
        if (!passes || wait === undefined) throw failure(address, path, part, error);
        await pause(wait, undefined, { signal }).catch(() => {
          throw interrupted(part);
        });
      }
    }
  };
  await makeWhole(path, address, complete, check);
}

/**
 * How many bytes a file at an address has, where its server says it. Nothing is wrong where it doesn't, or can't be asked:
 * that is for `download` to tell.
 */
export async function lengthAt(
  address: string,
  { signal, timeoutMs = 15_000 }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<number | undefined> {
  let dispatcher: EnvHttpProxyAgent | undefined;
  try {
    dispatcher = agent(timeoutMs);
    return await askLength(address, { dispatcher, signal, timeoutMs });
  } catch (error) {
    if (signal.aborted || error instanceof Trouble) return undefined;
    throw error;
  } finally {
    await dispatcher?.destroy();
  }
}

/** One attempt at what is missing of the file, over connections of its own. */
async function obtain(
  address: string,
  part: PartFile,
  most: number,
  patience: Omit<Connection, 'dispatcher'>,
  onBytes: (total: number | undefined) => void,
): Promise<void> {
  if (part.bytes > 0 && part.bytes === part.version?.total) return;
  const dispatcher = agent(patience.timeoutMs);
  try {
    await append(await ask(address, part, { dispatcher, ...patience }), part, most, onBytes);
  } finally {
    await dispatcher.destroy();
  }
}

/** @throws Trouble where the environment names a proxy by what is no address */
function agent(bodyTimeout: number): EnvHttpProxyAgent {
  try {
    return new EnvHttpProxyAgent({ bodyTimeout });
  } catch (cause) {
    const sentence =
      'the proxy that HTTPS_PROXY or HTTP_PROXY names is no address that can be used, as http://host:8080';
    throw new Trouble('lasting', sentence, undefined, { cause });
  }
}

async function append(
  { from, version, chunks }: Answer,
  part: PartFile,
  most: number,
  onBytes: (total: number | undefined) => void,
): Promise<void> {
  if (from === 0) await part.begin(version);
  const { total } = version;
  const check = async (bytes: number) => {
    if (bytes <= most) return;
    await part.forget();
    throw new Trouble(
      'lasting',
      `it has ${total ?? `more than ${most}`} bytes, and at most ${most} are downloaded`,
    );
  };
  await check(total ?? 0);
  onBytes(total);
  for await (const chunk of chunks) {
    await check(part.bytes + chunk.length);
    if (total !== undefined && part.bytes + chunk.length > total) {
      await part.forget();
      throw new Trouble('passing', `more came than the ${total} bytes that were announced`);
    }
    await part.append(chunk);
    onBytes(total);
  }
  if (part.bytes === 0) throw new Trouble('lasting', 'the file there is empty');
  if (total !== undefined && part.bytes < total)
    throw new Trouble('passing', `it ended after ${part.bytes} of ${total} bytes`);
}

function failure(address: string, path: string, part: PartFile, trouble: Trouble): RunnerError {
  const evidence = { address: withoutSecrets(address), path, bytes: part.bytes };
  const kept =
    part.bytes > 0 && part.version?.validator !== undefined
      ? `; ${part.bytes} bytes are kept in ${part.path}, and the next attempt goes on from there`
      : '';
  return new RunnerError(
    'E_DOWNLOAD',
    `${path} could not be downloaded from ${address}: ${trouble.message}${kept}`,
    {
      exitCode: 1,
      cause: trouble,
      evidence: { ...evidence, ...(trouble.status && { status: trouble.status }) },
    },
  );
}

function interrupted({ path, bytes }: PartFile): RunnerError {
  const kept =
    bytes > 0
      ? `${bytes} bytes are kept in ${path}, and the same command goes on from there`
      : 'nothing had come yet';
  return new RunnerError('E_INTERRUPTED', `interrupted: ${kept}`, { exitCode: 130 });
}
