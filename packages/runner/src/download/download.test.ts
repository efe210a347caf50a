import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunnerError } from '../errors.js';
import { download } from './download.js';
import { redirected } from './request.js';

const content = randomBytes(300_000);
const half = 150_000;
const etag = '"first"';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let path: string;
let server: Server;
let address: string;
/** One for each request; the last for all that follow. */
let answers: Answer[];
let requests: IncomingMessage[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-download-'));
  path = join(folder, 'models', 'model.pkl');
  answers = [honest()];
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response);
  });
  address = `http://127.0.0.1:${await listening(server)}/model.pkl`;
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

async function listening(one: Server): Promise<number> {
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return (one.address() as AddressInfo).port;
}

/** A server as it should be. */
function honest(bytes: Buffer = content, tag = etag): Answer {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
    if (from >= 0 && from < bytes.length && request.headers['if-range'] === tag) {
      response.writeHead(206, {
        etag: tag,
        'content-length': bytes.length - from,
        'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      });
      response.end(bytes.subarray(from));
    } else {
      response.writeHead(200, { etag: tag, 'content-length': bytes.length });
      response.end(bytes);
    }
  };
}

/** Sends the start as honestly, then `after`. */
function halfway(after: (response: ServerResponse) => void, headers = {}): Answer {
  return (_, response) => {
    response.writeHead(200, { etag, 'content-length': content.length, ...headers });
    response.write(content.subarray(0, half), () => setTimeout(() => after(response), 20));
  };
}
/** The same by a date in place of an ETag. */
const dated =
  (modified: string, headers = {}): Answer =>
  (_, response) => {
    const length = { 'content-length': content.length };
    response.writeHead(200, { 'last-modified': modified, ...length, ...headers });
    response.write(content.subarray(0, half), () => setTimeout(() => response.destroy(), 20));
  };
const restDated =
  (modified: string): Answer =>
  (_, response) =>
    response
      .writeHead(206, { 'last-modified': modified, 'content-range': `bytes ${half}-299999/300000` })
      .end(content.subarray(half));
/** Goes on, and doesn't say with what. */
const unnamed =
  (bytes: Buffer): Answer =>
  (_, response) =>
    response.writeHead(206, { 'content-range': `bytes ${half}-299999/300000` }).end(bytes.subarray(half));
const date = 'Tue, 01 Mar 2022 00:00:00 GMT';
const truncated = halfway((response) => response.destroy());
const stalled = halfway(() => {});
const status =
  (code: number, headers = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end('no');
const partial =
  (headers: Record<string, string>, body: Buffer): Answer =>
  (_, response) =>
    response.writeHead(206, { etag, ...headers }).end(body);

const get = (options: Parameters<typeof download>[2] = {}) =>
  download(address, path, { timeoutMs: 5_000, pausesMs: [0, 0, 0], ...options });

async function failed(action: Promise<unknown>): Promise<RunnerError> {
  const error = await action.then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(RunnerError);
  expect(existsSync(path)).toBe(false);
  return error;
}

function whole(bytes = content): void {
  expect(readFileSync(path).equals(bytes)).toBe(true);
  for (const more of ['.part', '.part.json', '.lock']) expect(existsSync(path + more)).toBe(false);
}

const ranges = () => requests.map(({ headers }) => headers.range);

describe('a download', () => {
  it('has the bytes of the file, and tells how many came', async () => {
    const told: [number, number | undefined][] = [];
    await get({ onProgress: (...now) => told.push(now) });
    whole();
    expect(told[0]).toEqual([0, content.length]);
    expect(told.at(-1)).toEqual([content.length, content.length]);
    expect(requests[0]!.headers['accept-encoding']).toBe('identity');
  });

  it.each([
    ['breaks off', truncated],
    ['falls silent', stalled],
    ['ends before what it announced', halfway((response) => response.end())],
  ])('goes on where a connection %s', async (_, broken) => {
    answers = [broken, honest()];
    await get({ timeoutMs: broken === stalled ? 1_500 : 5_000 });
    whole();
    expect(ranges()).toEqual([undefined, `bytes=${half}-`]);
    expect(requests[1]!.headers['if-range']).toBe(etag);
  });

  it('goes on in a later call', async () => {
    answers = [truncated, honest()];
    const error = await failed(get({ pausesMs: [] }));
    expect(error).toMatchObject({
      code: 'E_DOWNLOAD',
      exitCode: 1,
      evidence: { bytes: half, path, address },
    });
    expect(error.message).toContain(`${half} bytes are kept in ${path}.part`);
    expect(readFileSync(`${path}.part`).equals(content.subarray(0, half))).toBe(true);
    await get();
    whole();
    expect(ranges()).toEqual([undefined, `bytes=${half}-`]);
  });

  it('goes on by the date where there is no ETag', async () => {
    answers = [dated(date), restDated(date)];
    await get();
    whole();
    expect(requests[1]!.headers['if-range']).toBe(date);
  });

  it('goes on from what is sound, where more came after it was last noted', async () => {
    answers = [truncated, honest()];
    await failed(get({ pausesMs: [] }));
    appendFileSync(`${path}.part`, 'what a process left that was killed');
    await get();
    whole();
    expect(ranges()).toEqual([undefined, `bytes=${half}-`]);
  });

  it('tells nobody the query of an address, which may hold a password', async () => {
    answers = [truncated];
    address += '?token=s3cr3t';
    const { message, evidence, cause } = await failed(get({ pausesMs: [] }));
    expect(JSON.stringify([message, evidence, String(cause)])).not.toContain('s3cr3t');
    expect(readFileSync(`${path}.part.json`, 'utf8')).not.toContain('s3cr3t');
  });

  it('needs no second request where all had come', async () => {
    answers = [truncated];
    await failed(get({ pausesMs: [] }));
    const note = JSON.parse(readFileSync(`${path}.part.json`, 'utf8'));
    const sha256 = createHash('sha256').update(content).digest('hex');
    writeFileSync(`${path}.part.json`, JSON.stringify({ ...note, bytes: content.length, sha256 }));
    writeFileSync(`${path}.part`, content);
    await get();
    whole();
    expect(requests).toHaveLength(1);
  });
});

describe('starts anew where', () => {
  it('the server ignores Range', async () => {
    answers = [
      truncated,
      (_, response) => response.writeHead(200, { etag, 'content-length': content.length }).end(content),
    ];
    await get();
    whole();
  });

  it('the file changed in between', async () => {
    const other = randomBytes(content.length);
    answers = [truncated, honest(other, '"second"')];
    await get();
    whole(other);
  });

  const rest = content.subarray(half);
  const range = `bytes ${half}-299999/300000`;
  it.each<[string, Record<string, string>, Buffer]>([
    ['the server goes on with another version', { etag: '"second"', 'content-range': range }, rest],
    ['the server gives another range', { 'content-range': 'bytes 150001-299999/300000' }, rest.subarray(1)],
    ['the server gives another length', { 'content-range': 'bytes 150000-300000/300001' }, rest],
    ['the server does not say which range', {}, rest],
    [
      'more comes than was announced',
      { 'content-range': range, 'transfer-encoding': 'chunked' },
      Buffer.concat([rest, Buffer.from('x')]),
    ],
  ])('%s', async (_, headers, body) => {
    answers = [truncated, partial(headers, body), honest()];
    await get();
    whole();
    expect(ranges()).toEqual([undefined, `bytes=${half}-`, undefined]);
  });

  it('the server has no such range', async () => {
    answers = [truncated, status(416), honest()];
    await get();
    whole();
  });

  it('what is here is of another address, or more than the whole', async () => {
    answers = [truncated, honest()];
    await failed(get({ pausesMs: [] }));
    address = address.replace('model', 'another');
    await get();
    whole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it.each([
    [
      'was damaged',
      () => writeFileSync(`${path}.part`, Buffer.from(content.subarray(0, half)).fill(0, 7, 8)),
    ],
    ['was cut', () => truncateSync(`${path}.part`, half - 1)],
    ['is gone', () => rmSync(`${path}.part`)],
    ['has no note', () => rmSync(`${path}.part.json`)],
    ['has half a note', () => truncateSync(`${path}.part.json`, 40)],
    ['has another’s note', () => writeFileSync(`${path}.part.json`, '[null]')],
  ])('what was here %s', async (_, spoil) => {
    answers = [truncated, honest()];
    await failed(get({ pausesMs: [] }));
    spoil();
    await get();
    whole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it('the server goes on and doesn’t say with what', async () => {
    const other = randomBytes(content.length);
    answers = [truncated, unnamed(other), honest(other, '"second"')];
    await get();
    whole(other);
  });

  it.each([
    ['is of the second that the answer is of', dated(date, { date })],
    ['stands beside a weak ETag', dated(date, { etag: 'W/"x"' })],
  ])('the date of the last change %s, and so is no promise', async (_, first) => {
    answers = [first, honest()];
    await get();
    whole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it('the server goes on from another date', async () => {
    answers = [dated(date), restDated('Tue, 01 Mar 2022 00:00:01 GMT'), honest()];
    await get();
    whole();
    expect(ranges()).toEqual([undefined, `bytes=${half}-`, undefined]);
  });

  it('the server promises nothing', async () => {
    answers = [halfway((response) => response.destroy(), { etag: 'W/"x"' }), honest()];
    await get();
    whole();
    expect(ranges()).toEqual([undefined, undefined]);
    rmSync(path);
    answers = [halfway((response) => response.destroy(), { etag: 'W/"x"' })];
    await failed(get({ pausesMs: [] }));
    expect(existsSync(`${path}.part`)).toBe(false);
  });
});

describe('redirects', () => {
  it('are followed, relative ones too', async () => {
    answers = [status(302, { location: '/elsewhere?x=1' }), status(308, { location: address }), honest()];
    await get();
    whole();
    expect(requests[1]!.url).toBe('/elsewhere?x=1');
  });

  it('are not followed for ever', async () => {
    answers = [status(301, { location: '/again' })];
    const { code, message } = await failed(get());
    expect([code, requests.length]).toEqual(['E_DOWNLOAD', 11]);
    expect(message).toContain('redirected more than 10 times');
  });

  it('are told of without their queries', async () => {
    answers = [status(302, { location: 'ftp://me:s3cr3t@host/x?sig=s3cr3t' })];
    const { message, cause } = await failed(get());
    expect(message).toContain('redirects to "ftp://…@host/x?…"');
    expect(String(cause)).not.toContain('s3cr3t');
  });

  it.each(['file:///etc/passwd', 'http://[', 'ftp://127.0.0.1/x'])('to %s are refused', async (location) => {
    answers = [status(302, { location })];
    expect((await failed(get())).message).toContain(JSON.stringify(location));
    expect(requests).toHaveLength(1);
  });
});

describe('a redirect', () => {
  it.each([
    ['https://a/x', 'http://a/x', undefined],
    ['https://a/x', '//b/y', 'https://b/y'],
    ['http://a/x', 'https://b/', 'https://b/'],
    ['http://a/x/z', 'y?q', 'http://a/x/y?q'],
  ])('from %s to %s', (from, location, to) => {
    expect(redirected(new URL(from), location)?.href).toBe(to);
  });
});

describe('a refusal', () => {
  it.each([403, 404, 410, 206])('%d is final', async (code) => {
    answers = [status(code)];
    expect(await failed(get())).toMatchObject({ code: 'E_DOWNLOAD', evidence: { status: code, bytes: 0 } });
    expect(requests).toHaveLength(1);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it.each([500, 503, 429])('%d may pass', async (code) => {
    answers = [status(code), status(code), honest()];
    await get();
    whole();
  });

  it('is reported after as many attempts as there are pauses', async () => {
    answers = [status(500)];
    expect(await failed(get())).toMatchObject({ evidence: { status: 500 } });
    expect(requests).toHaveLength(4);
  });

  it.each([
    ['of a file without end', {}, /does not say how long/],
    ['of an empty file', { 'content-length': '0' }, /is empty/],
    ['of an encoded file', { 'content-encoding': 'gzip', 'content-length': '2' }, /encoded \(gzip\)/],
  ])('%s', async (_, headers, reason) => {
    answers = [
      (_, response) => {
        response.useChunkedEncodingByDefault = false;
        response.writeHead(200, headers);
        response.end(headers['content-length' as never] === '0' ? '' : 'no');
      },
    ];
    expect((await failed(get())).message).toMatch(reason);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['text/html; charset=utf-8', '<html>Sign in', '"<html>Sign in"'],
    ['application/xml', '<Error><Code>AccessDenied</Code>', '"<Error><Code>AccessDenied</Code>"'],
    ['application/problem+json', '{"detail":\n"\u001b[2Jgated"}', '"{\\"detail\\":"'],
    ['text/html', '', '""'],
  ])('is what comes as %s, whatever its status and length', async (type, text, begins) => {
    answers = [(_, response) => response.writeHead(200, { etag, 'content-type': type }).end(text)];
    expect((await failed(get())).message).toContain(`no such file but ${type}: it begins with ${begins}`);
    expect(requests).toHaveLength(1);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it('to connect, or silence, is reported at once where nothing answered yet', async () => {
    answers = [() => {}];
    expect((await failed(get({ timeoutMs: 1_500 }))).code).toBe('E_DOWNLOAD');
    expect(requests).toHaveLength(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect((await failed(get())).message).toContain('ECONNREFUSED');
  });
});

describe('nothing gets the name', () => {
  it('that the check refuses, as where less was announced than there is', async () => {
    answers = [
      (_, response) => {
        response.socket!.write(`HTTP/1.1 200 OK\r\nETag: ${etag}\r\nContent-Length: 9\r\n\r\n`);
        response.socket!.end(content);
      },
    ];
    const check = async (part: string) => {
      expect(readFileSync(part).length).toBe(9);
      throw new RunnerError('E_CHECKSUM', 'no');
    };
    expect((await failed(get({ check }))).code).toBe('E_CHECKSUM');
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it.each([
    ['announced', honest()],
    ['not', (_: IncomingMessage, response: ServerResponse) => response.writeHead(200, { etag }).end(content)],
  ])('that has more bytes than it may, %s', async (_, answer) => {
    answers = [answer];
    const error = await failed(get({ most: content.length - 1 }));
    expect([error.code, error.message]).toEqual([
      'E_DOWNLOAD',
      expect.stringMatching(/: it has (300000|more than 299999) bytes, and at most 299999 are downloaded$/),
    ]);
    expect(requests).toHaveLength(1);
    expect(existsSync(`${path}.part`)).toBe(false);
    await get({ most: content.length });
    whole();
  });

  it('when it is interrupted, and the next call goes on', async () => {
    answers = [stalled, honest()];
    const interruption = new AbortController();
    const onProgress = (bytes: number) => bytes === half && interruption.abort();
    const error = await failed(get({ signal: interruption.signal, onProgress, timeoutMs: 10_000 }));
    expect(error).toMatchObject({ code: 'E_INTERRUPTED', exitCode: 130 });
    await get();
    whole();
    expect(ranges()[1]).toBe(`bytes=${half}-`);
  });

  it('while another one downloads it', async () => {
    let goOn = () => {};
    answers = [
      (_, response) => {
        response.writeHead(200, { etag, 'content-length': content.length }).write(content.subarray(0, half));
        goOn = () => response.end(content.subarray(half));
      },
    ];
    const first = get({ timeoutMs: 60_000 });
    await vi.waitFor(() => expect(requests).toHaveLength(1), { timeout: 60_000 });
    expect(await failed(get())).toMatchObject({ code: 'E_BUSY', exitCode: 1 });
    goOn();
    await first;
    whole();
  });

  it('where the disk refuses', async () => {
    writeFileSync(join(folder, 'models'), '');
    expect(await failed(get())).toMatchObject({ code: 'E_RESULTS', exitCode: 1 });
  });

  it('or the bytes are those of the file, whatever a server does in between', async () => {
    const other = randomBytes(content.length);
    const faults: readonly Answer[] = [
      truncated,
      status(500),
      status(416),
      status(404),
      honest(other, '"second"'),
      halfway((response) => response.destroy(), { etag: '"third"' }),
      partial({ etag: '"second"', 'content-range': 'bytes 0-299999/300000' }, other),
      partial({ 'content-range': `bytes ${half}-299999/300000` }, content.subarray(half, half + 1000)),
      unnamed(other),
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...faults), { maxLength: 5 }), async (sequence) => {
        rmSync(path, { force: true });
        answers = [...sequence, honest()];
        while (!existsSync(path)) await get().catch((error) => expect(error.code).toBe('E_DOWNLOAD'));
        const bytes = readFileSync(path);
        expect(bytes.equals(content) || bytes.equals(other)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a proxy', () => {
  it('is the one of the environment, except for hosts of NO_PROXY', async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url!);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    const port = await listening(proxy);
    vi.stubEnv('http_proxy', undefined);
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${port}`);
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', undefined);
    expect((await failed(get())).code).toBe('E_DOWNLOAD');
    expect(asked).toEqual([new URL(address).host]);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    await get();
    whole();
    proxy.close();
  });

  it('that is no address is told of, without what it is', async () => {
    for (const proxy of ['not an address', 'user:s3cr3t@host:80']) {
      vi.stubEnv('http_proxy', proxy);
      vi.stubEnv('HTTP_PROXY', proxy);
      const { code, message } = await failed(get());
      expect([code, message]).toEqual([
        'E_DOWNLOAD',
        expect.stringContaining('HTTP_PROXY names is no address'),
      ]);
      expect(message).not.toContain(proxy);
    }
  });

  it('that is silent is given up', async () => {
    const proxy = createServer();
    proxy.on('connect', (_, socket) => socket.on('error', () => {}));
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${await listening(proxy)}`);
    vi.stubEnv('http_proxy', undefined);
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', undefined);
    expect((await failed(get({ timeoutMs: 1_500 }))).message).toContain('no answer came within 1.5 s');
    const timeoutMs = 60_000;
    const signal = AbortSignal.timeout(50);
    expect((await failed(get({ signal, timeoutMs }))).code).toBe('E_INTERRUPTED');
    proxy.close();
  });
});
