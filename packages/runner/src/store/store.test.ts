import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOfText } from './digest.js';
import { keyOf } from './key.js';
import { type KeyComponents, openStore, type Store } from './store.js';

const components: KeyComponents = {
  kind: 'samples',
  params: { seeds: [0, 3] },
  inputs: { graph: [digestOfText('graph')] },
  versions: { solvers: '0.1.0', task: '1' },
};
const key = keyOf(components);

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-store-'));
  store = await openStore(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function publish(content: string, into = store) {
  const scratch = await into.scratch();
  const file = join(scratch, 'images');
  await writeFile(file, content);
  return into.publish({
    key,
    components,
    files: { images: file },
    meta: { nfe: 5 },
    startedAt: new Date(),
    device: { type: 'cpu' },
  });
}

describe('a key', () => {
  it('is the same whatever the order of names', () => {
    expect(
      keyOf({
        versions: { task: '1', solvers: '0.1.0' },
        inputs: components.inputs,
        params: components.params,
        kind: 'samples',
      }),
    ).toBe(key);
  });

  it.each([
    { kind: 'teacher' },
    { params: { seeds: [0, 4] } },
    { inputs: { graph: [digestOfText('another')] } },
    { versions: { solvers: '0.1.1', task: '1' } },
  ])('changes with %o', (change) => {
    expect(keyOf({ ...components, ...change })).not.toBe(key);
  });
});

describe('publishing', () => {
  it('makes a record that another process finds, with its blobs by content', async () => {
    await publish('pixels');
    const other = await openStore(dir);
    const record = await other.lookup(key);
    expect(record).toMatchObject({ key, components, meta: { nfe: 5 } });
    const path = await other.blob(record!.outputs.images!);
    expect(path).toContain(digestOfText('pixels'));
    expect(await readFile(path!, 'utf8')).toBe('pixels');
  });

  it('keeps the first result and reports a second that differs', async () => {
    const first = await publish('pixels');
    expect(first.conflict).toBeUndefined();
    const again = await publish('pixels');
    expect(again.conflict).toBeUndefined();
    const second = await publish('other pixels');
    expect(second.conflict).toEqual({ images: { digest: digestOfText('other pixels'), size: 12 } });
    expect((await store.lookup(key))!.outputs.images!.digest).toBe(digestOfText('pixels'));
  });

  it('replaces what is no record', async () => {
    await publish('pixels');
    const path = join(dir, 'records', key.slice(0, 2), `${key}.json`);
    await writeFile(path, '{"key":');
    expect(await store.lookup(key)).toBeUndefined();
    await publish('pixels');
    expect((await store.lookup(key))!.outputs.images!.size).toBe(6);
  });

  it('mends a damaged blob', async () => {
    const { record } = await publish('pixels');
    const path = (await store.blob(record.outputs.images!))!;
    await chmod(path, 0o644);
    await writeFile(path, 'pixelz');
    await publish('pixels');
    expect(await readFile(path, 'utf8')).toBe('pixels');
  });
});

describe('looking up', () => {
  it('misses a record whose blob is gone or cut off', async () => {
    const { record } = await publish('pixels');
    const path = (await store.blob(record.outputs.images!))!;
    await rm(path);
    expect(await store.lookup(key)).toBeUndefined();
    await writeFile(path, 'pix');
    expect(await store.lookup(key)).toBeUndefined();
  });

  it('verifies a blob at the first read of a process, and removes a false one', async () => {
    const { record } = await publish('pixels');
    const path = (await store.blob(record.outputs.images!))!;
    await chmod(path, 0o644);
    await writeFile(path, 'pixelz');
    const other = await openStore(dir);
    expect(await other.blob(record.outputs.images!)).toBeUndefined();
    expect(await other.lookup(key)).toBeUndefined();
  });
});

describe('leases', () => {
  it('are held by one at a time and given back', async () => {
    const lease = await store.lease(key);
    expect(lease).toBeDefined();
    expect(await (await openStore(dir)).lease(key)).toBeUndefined();
    await lease!.release();
    const next = await store.lease(key);
    expect(next).toBeDefined();
    await next!.release();
  });

  it('are taken from a process that is gone', async () => {
    await mkdir(join(dir, 'leases'), { recursive: true });
    await writeFile(join(dir, 'leases', key), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    const lease = await store.lease(key);
    expect(lease).toBeDefined();
    await lease!.release();
  });

  it('are taken from a holder whose heart stopped, though its number lives on in another process', async () => {
    const path = join(dir, 'leases', key);
    await mkdir(join(dir, 'leases'), { recursive: true });
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname(), nonce: 'of another' }));
    expect(await store.lease(key)).toBeUndefined();
    const minuteAgo = Date.now() / 1000 - 60;
    await utimes(path, minuteAgo, minuteAgo);
    const lease = await store.lease(key);
    expect(lease).toBeDefined();
    await lease!.release();
  });
});

it('removes what a process that is gone left behind, and nothing of another machine', async () => {
  await mkdir(join(dir, 'tmp', `${2 ** 22 + 1}@${hostname()}-abc`));
  await mkdir(join(dir, 'tmp', `${2 ** 22 + 1}@elsewhere-abc`));
  const own = basename(await store.scratch());
  await openStore(dir);
  expect((await readdir(join(dir, 'tmp'))).sort()).toEqual([`${2 ** 22 + 1}@elsewhere-abc`, own].sort());
});

it('reads a blob once for all that ask for it at the same time', async () => {
  const { record } = await publish('pixels');
  const path = (await store.blob(record.outputs.images!))!;
  await chmod(path, 0o644);
  await writeFile(path, 'pixelz');
  const other = await openStore(dir);
  const answers = Array.from({ length: 8 }, () => other.blob(record.outputs.images!));
  expect(await Promise.all(answers)).toEqual(Array(8).fill(undefined));
  await publish('pixels', other);
  expect(await other.blob(record.outputs.images!)).toBe(path);
});

it('notices a file that changed', async () => {
  const file = join(dir, 'checkpoint.pkl');
  await writeFile(file, 'one');
  expect(await store.fileDigest(file)).toBe(digestOfText('one'));
  await writeFile(file, 'two');
  expect(await store.fileDigest(file)).toBe(digestOfText('two'));
});

describe('the digest of a folder', () => {
  it('changes with its files, their names, and the files that its links name', async () => {
    const images = join(dir, 'images');
    await mkdir(join(images, '0'), { recursive: true });
    await writeFile(join(images, '0', 'a.png'), 'a');
    await writeFile(join(dir, 'elsewhere.png'), 'b');
    const seen = new Set([await store.fileDigest(images)]);
    const changed = async (change: () => Promise<unknown>) => {
      await change();
      const digest = await store.fileDigest(images);
      expect(seen).not.toContain(digest);
      seen.add(digest);
    };
    await changed(() => writeFile(join(images, '0', 'a.png'), 'c'));
    await changed(() => rename(join(images, '0', 'a.png'), join(images, '0', 'b.png')));
    await changed(() => symlink(join(dir, 'elsewhere.png'), join(images, 'link.png')));
    await changed(() => writeFile(join(dir, 'elsewhere.png'), 'd'));
    await changed(() => rm(join(dir, 'elsewhere.png')));
  });
});

it('names the file from outside that can’t be read', async () => {
  await expect(store.fileDigest(join(dir, 'none.pkl'))).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringContaining(join(dir, 'none.pkl')),
  });
});

it('does without its notes on files where it can’t write them', async () => {
  const file = join(dir, 'checkpoint.pkl');
  await writeFile(file, 'one');
  await utimes(file, 1e9, 1e9);
  await writeFile(join(dir, 'files'), 'in the way');
  expect(await store.fileDigest(file)).toBe(digestOfText('one'));
});

it('notes shards by family', async () => {
  const family = digestOfText('family');
  await store.noteShard(family, [0, 255]);
  await store.noteShard(family, [256, 299]);
  expect([...store.shards(family)].sort((a, b) => a[0] - b[0])).toEqual([
    [0, 255],
    [256, 299],
  ]);
  expect(store.shards(digestOfText('other'))).toEqual([]);
});

it('says where the store is when it cannot be there', async () => {
  const file = join(dir, 'a-file');
  await writeFile(file, '');
  await expect(openStore(join(file, 'store'))).rejects.toMatchObject({ code: 'E_STORE_ACCESS', exitCode: 2 });
});
