import { createHmac, randomBytes } from 'node:crypto';
import type { Content } from '@fewstep/taskgraph';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunkBytes, idOf } from './artifact.js';
import { startServer, token } from './server.test.support.js';
import { isTag, tagOf } from './tag.js';
import { cache } from './turborepo-cache.js';

const name = `blobs/${'ab'.repeat(32)}`;
const { signal } = new AbortController();
const never: [string, { body: Buffer }] = ['', { body: Buffer.alloc(0) }];
const secret = 'a key that signs artifacts';

let server: Awaited<ReturnType<typeof startServer>>;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

const remoteOf = (more: Readonly<Record<string, string>> = {}) =>
  cache({ environment: { ...server.environment, ...more } });
const contentOf = (bytes: Buffer, moved = () => {}): Content => ({
  size: bytes.length,
  async *open() {
    for (let at = 0; at < bytes.length; at += 1_000_003) yield bytes.subarray(at, at + 1_000_003);
  },
  moved,
});
async function read(from = remoteOf()): Promise<Buffer | undefined> {
  const content = await from.get(name, signal);
  if (!content) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}
const puts = () => server.asked.filter(({ method }) => method === 'PUT').map(({ path }) => path);

const small = Buffer.from('what was computed\nin two lines');
/** Two chunks, the last one short. */
const large = randomBytes(chunkBytes + 1234);

describe('an artifact', () => {
  it('has the whole name in it, and is found by 16 digits of it', async () => {
    const remote = remoteOf();
    expect([await remote.has(name, signal), await read(remote)]).toEqual([false, undefined]);
    await remote.put(name, contentOf(small), signal);
    expect([await remote.has(name, signal), await read(remote)]).toEqual([true, small]);
    const [[id, { body }] = never] = [...server.kept];
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(body.toString()).toBe(`{"fewstep":1,"name":"${name}","size":${small.length}}\n${small}`);
    expect(server.asked.at(-1)!.headers.authorization).toBe(`Bearer ${token}`);
  });

  it('that is large travels in chunks, as they are needed, and tells of what went', async () => {
    let moved = 0;
    const content = contentOf(large, () => moved++);
    await remoteOf().put(name, content, signal);
    expect(puts()).toHaveLength(3);
    expect(Math.max(...[...server.kept.values()].map(({ body }) => body.length))).toBeLessThan(
      chunkBytes + 200,
    );
    expect(moved).toBeGreaterThan(large.length / 70_000);
    expect((await read())!.equals(large)).toBe(true);
    // of what was sent before, only what lacks is sent again
    server.kept.delete(puts()[1]!);
    await remoteOf().put(name, content, signal);
    expect(puts().slice(3)).toEqual([puts()[1], idOf(name)]);
    // what comes ends where a chunk is not what it must be: whoever compares the whole sees it
    const start = large.subarray(0, chunkBytes);
    const first = server.kept.get(puts()[0]!)!;
    const whole = first.body;
    first.body = Buffer.concat([whole.subarray(0, -100), Buffer.alloc(100)]);
    expect((await read())!.length).toBe(chunkBytes);
    first.body = whole;
    server.kept.get(puts()[1]!)!.body.subarray(0, 10).fill(7);
    expect((await read())!.equals(start)).toBe(true);
    server.kept.delete(puts()[1]!);
    expect((await read())!.equals(start)).toBe(true);
  });

  it.each([
    ['of another name', (body: Buffer) => Buffer.from(body.toString().replace('abab', 'abac'))],
    ['cut short', (body: Buffer) => body.subarray(0, body.length - 1)],
    ['with more behind it', (body: Buffer) => Buffer.concat([body, Buffer.from('!')])],
    ['of turbo itself', () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0])],
    ['without an end of its first line', () => Buffer.alloc(1000, 32)],
    ['that is empty', () => Buffer.alloc(0)],
    ['too long to have a beginning of ours', () => Buffer.alloc(5 << 20, 32)],
    [
      'with sizes that can’t be',
      (body: Buffer) => Buffer.from(body.toString().replace(/"size":\d+/, '"size":-1')),
    ],
    [
      'with chunks that are none',
      () => Buffer.from(`{"fewstep":1,"name":"${name}","size":1,"chunks":[{"digest":"../x","size":1}]}\n`),
    ],
  ])('%s is not there', async (_, change) => {
    await remoteOf().put(name, contentOf(small), signal);
    const artifact = server.kept.get(idOf(name))!;
    artifact.body = change(artifact.body);
    expect(await read()).toBeUndefined();
  });
});

describe('a signature', () => {
  const signed = () => remoteOf({ TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret, TURBO_TEAMID: 'team_1' });

  it('is that of Turborepo, version 2: each field behind its length', () => {
    const field = (bytes: Buffer) => {
      const length = Buffer.alloc(8);
      length[0] = bytes.length;
      return [length, bytes];
    };
    const fields = ['artifact-signature:v2', '0123456789abcdef', 'team_1', 'body'].map((text) =>
      Buffer.from(text),
    );
    const message = Buffer.concat(fields.flatMap(field));
    const expected = createHmac('sha256', secret).update(message).digest('base64');
    expect(tagOf(secret, '0123456789abcdef', 'team_1', Buffer.from('body'))).toBe(expected);
    expect([isTag(expected, expected), isTag(null, expected), isTag(expected.slice(1), expected)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('stands on each artifact, and is held to', async () => {
    await signed().put(name, contentOf(large), signal);
    expect([...server.kept.values()].every(({ tag }) => tag?.length === 44)).toBe(true);
    expect((await read(signed()))!.equals(large)).toBe(true);
    // as whoever has the server can: the digest of a chunk fits, its signature not
    server.kept.get(puts()[1]!)!.tag = server.kept.get(puts()[0]!)!.tag;
    await expect(read(signed())).rejects.toThrow('is not signed with TURBO_REMOTE_CACHE_SIGNATURE_KEY');
    server.kept.get(idOf(name))!.tag = undefined;
    const remote = signed();
    await expect(read(remote)).rejects.toThrow('is not signed with TURBO_REMOTE_CACHE_SIGNATURE_KEY');
    expect(await read(remote)).toBeUndefined();
    expect((await read())!.equals(large)).toBe(true);
  });
});

describe('a server', () => {
  it('is asked with the team, by slug or id, and for its status once', async () => {
    const remote = remoteOf({ TURBO_TEAM: 'a&b', TURBO_TEAMID: 'team_1' });
    server.breaks((request, _, next) => {
      if (!request.url!.endsWith('?slug=a%26b&teamId=team_1')) request.url = '/v8/artifacts/none';
      next();
    });
    await remote.put(name, contentOf(small), signal);
    expect(await read(remote)).toEqual(small);
    expect(server.asked.filter(({ path }) => path === 'status')).toHaveLength(1);
  });

  it.each(['disabled', 'over_limit', 'paused'])('that says it is %s is not asked', async (status) => {
    const other = await startServer({ status });
    const remote = cache({ environment: other.environment });
    await expect(remote.has(name, signal)).rejects.toThrow(`the server says that it is ${status}`);
    await expect(remote.put(name, contentOf(small), signal)).rejects.toThrow(status);
    expect(other.asked.map(({ path }) => path)).toEqual(['status']);
    await other.close();
  });

  it('that does not tell its status is taken to be there', async () => {
    server.breaks((request, response, next) => {
      if (!request.url!.includes('status')) next();
      else setTimeout(() => response.destroy(), 5_000).unref();
    });
    expect(await remoteOf().has(name, signal)).toBe(false);
  });

  it.each([
    [{ TURBO_TOKEN: 'another token' }, /it answers 401: TURBO_TOKEN is none of its tokens/],
    [{ TURBO_TEAM: '' }, /it answers 400: it may need a team/],
  ])('that refuses %j says what helps', async (more, said) => {
    for (const ask of [
      () => remoteOf(more).has(name, signal),
      () => remoteOf(more).get(name, signal),
      () => remoteOf(more).put(name, contentOf(small), signal),
    ])
      await expect(ask()).rejects.toThrow(said);
  });

  it('whose limit is too low says so', async () => {
    const other = await startServer({ bodyLimit: 1 << 20 });
    const remote = cache({ environment: other.environment });
    await expect(remote.put(name, contentOf(large), signal)).rejects.toThrow(/it answers 413: its limit/);
    await other.close();
  });

  it('that leads elsewhere is followed without the token', async () => {
    const elsewhere = await startServer();
    await remoteOf().put(name, contentOf(small), signal);
    elsewhere.breaks((_, response) => response.end(server.kept.get(idOf(name))!.body));
    server.breaks((request, response, next) => {
      if (request.method !== 'GET' || request.url!.includes('status')) return next();
      response.writeHead(302, { location: `${elsewhere.environment.TURBO_API}/presigned` });
      response.end();
    });
    expect(await read()).toEqual(small);
    expect(elsewhere.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    await elsewhere.close();
  });

  it.each([
    [{ TURBO_API: '' }, 'TURBO_API is not in the environment'],
    [{ TURBO_TOKEN: '' }, 'TURBO_TOKEN is not in the environment'],
    [{ TURBO_API: 'cache.lab' }, 'TURBO_API is no address'],
    [{ TURBO_API: 'file:///etc' }, 'TURBO_API is no address'],
  ])('is named by the environment, not as %j', (more, said) => {
    expect(() => remoteOf(more)).toThrow(said);
  });

  it('is named by the environment alone: a token goes nowhere else', () => {
    expect(() => cache({ place: 'http://elsewhere', environment: server.environment })).toThrow(
      'it has no place',
    );
  });
});
