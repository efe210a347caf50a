import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOfText } from '../digest.js';
import type { Json } from '../json.js';
import { type KeyComponents, keyOf } from '../key.js';
import { memoryWorld } from '../memory-machine.test.support.js';
import { isHeld, leases } from './lease.js';
import { nodeMachine } from './node-machine.js';
import { openStore, type Store } from './store.js';

const components: KeyComponents = {
  kind: 'bake',
  params: { items: [0, 3] },
  inputs: { dough: [digestOfText('dough')] },
  versions: { oven: '0.1.0', task: '1' },
};
const key = keyOf(components);
const outputs = { bread: 'file' } as const;

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'taskgraph-store-'));
  store = await openStore(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function publish(content: string, into = store, device: Json = 'oven') {
  const scratch = await into.scratch();
  const file = join(scratch, 'bread');
  await writeFile(file, content);
  const entry = {
    key,
    components,
    files: { bread: file },
    outputs,
    meta: { loaves: 5 },
    startedAt: new Date(),
    device,
  };
  return into.publish(entry);
}
const recordPath = () => join(dir, 'records', key.slice(0, 2), `${key}.json`);
const lookup = async (from = store) => (await from.lookup(key, outputs))?.record;

describe('a key', () => {
  it('is the same whatever the order of names', () => {
    const { kind, params, inputs } = components;
    expect(keyOf({ versions: { task: '1', oven: '0.1.0' }, inputs, params, kind })).toBe(key);
  });

  it.each([
    { kind: 'fry' },
    { params: { items: [0, 4] } },
    { inputs: { dough: [digestOfText('another')] } },
    { versions: { oven: '0.1.1', task: '1' } },
  ])('changes with %o', (change) => {
    expect(keyOf({ ...components, ...change })).not.toBe(key);
  });
});

describe('publishing', () => {
  it('makes a record that another process finds, with its files by content', async () => {
    await publish('crumbs');
    const other = await openStore(dir);
    const record = await lookup(other);
    expect(record).toMatchObject({ key, components, meta: { loaves: 5 } });
    const path = await other.blob(record!.outputs.bread!);
    expect(path).toContain(digestOfText('crumbs'));
    expect(await readFile(path!, 'utf8')).toBe('crumbs');
  });

  it('records what it was computed on without what gives access to it', async () => {
    const device = { type: 'queue', at: ['rediss://me:s3cr3t@host:6379/0?password=s3cr3t'] };
    const { record } = await publish('bread', store, device);
    expect(record.provenance.device).toEqual({ type: 'queue', at: ['rediss://…@host:6379/0?…'] });
  });

  it('keeps the first result and reports a second that differs, but for one of another device', async () => {
    expect((await publish('crumbs')).conflict).toBeUndefined();
    expect((await publish('crumbs')).conflict).toBeUndefined();
    const second = await publish('other crumbs');
    expect(second.conflict).toEqual({ bread: { digest: digestOfText('other crumbs'), size: 12 } });
    expect((await publish('third', store, 'stone oven')).conflict).toBeUndefined();
    expect((await lookup())!.outputs.bread!.digest).toBe(digestOfText('crumbs'));
  });

  it('finds no record that it does not accept, and the next result takes its place', async () => {
    await publish('crumbs', store, 'stone oven');
    const ours = await openStore(dir, { accepts: ({ provenance }) => provenance.device === 'oven' });
    expect(await lookup(ours)).toBeUndefined();
    expect((await publish('other crumbs', ours)).conflict).toBeUndefined();
    expect((await lookup(ours))!.outputs.bread!.digest).toBe(digestOfText('other crumbs'));
    expect((await lookup())!.outputs.bread!.digest).toBe(digestOfText('other crumbs'));
  });

  it('takes the place of a record whose file is lost, also with another result', async () => {
    const { record } = await publish('crumbs');
    await rm(store.pathOf(record.outputs.bread!));
    const again = await publish('other crumbs');
    expect(again.conflict).toBeUndefined();
    expect((await lookup())!.outputs.bread!.digest).toBe(digestOfText('other crumbs'));
  });

  it('mends a damaged file', async () => {
    const { record } = await publish('crumbs');
    const path = (await store.blob(record.outputs.bread!))!;
    await chmod(path, 0o644);
    await writeFile(path, 'crumbz');
    await publish('crumbs');
    expect(await readFile(path, 'utf8')).toBe('crumbs');
  });

  it.each(['', undefined])('refuses an output that is empty or missing: %j', async (content) => {
    const file = join(await store.scratch(), 'bread');
    if (content !== undefined) await writeFile(file, content);
    const entry = {
      key,
      components,
      files: { bread: file },
      outputs,
      meta: {},
      startedAt: new Date(),
      device: null,
    };
    await expect(store.publish(entry)).rejects.toMatchObject({ code: 'E_TASK_OUTPUT' });
    expect(await lookup()).toBeUndefined();
  });
});

describe('what is no record of its key', () => {
  const spoil = async (change: (record: Record<string, never>) => unknown) => {
    const record = JSON.parse(await readFile(recordPath(), 'utf8'));
    await writeFile(recordPath(), JSON.stringify(change(record)));
  };
  const other = digestOfText('other');
  it.each<[string, (record: Record<string, never>) => unknown]>([
    ['another key', (record) => ({ ...record, key: other })],
    [
      'another size',
      (record) => ({ ...record, outputs: { bread: { digest: digestOfText('crumbs'), size: 7 } } }),
    ],
    [
      "another's file",
      (record) => ({ ...record, outputs: { bread: { digest: digestOfText('cake!!'), size: 6 } } }),
    ],
    ['no outputs', (record) => ({ ...record, outputs: null })],
    ['outputs without names', (record) => ({ ...record, outputs: {} })],
    [
      'misnamed outputs',
      (record) => ({ ...record, outputs: { cake: { digest: digestOfText('crumbs'), size: 6 } } }),
    ],
    ['a list', () => []],
    ['null', () => null],
    ['other meta', (record) => ({ ...record, meta: { loaves: 6 } })],
  ])('is passed over and replaced: %s', async (_, change) => {
    await publish('crumbs');
    const scratch = join(await store.scratch(), 'cake');
    await writeFile(scratch, 'cake!!');
    await store.publish({
      key: other,
      components: { ...components, kind: 'x' },
      files: { bread: scratch },
      outputs,
      meta: {},
      startedAt: new Date(),
      device: null,
    });
    await spoil(change);
    expect(await lookup()).toBeUndefined();
    expect((await publish('crumbs')).conflict).toBeUndefined();
    expect((await lookup())!.outputs.bread!.size).toBe(6);
  });

  it('is replaced where it is half a record, or a folder', async () => {
    await publish('crumbs');
    await writeFile(recordPath(), '{"key":');
    await publish('crumbs');
    expect(await lookup()).toBeDefined();
    await rm(recordPath());
    await mkdir(join(recordPath(), 'x'), { recursive: true });
    expect(await lookup()).toBeUndefined();
    await publish('crumbs');
    expect(await lookup()).toBeDefined();
  });

  it('is no record among all records', async () => {
    await publish('crumbs');
    await writeFile(join(dir, 'records', '.DS_Store'), '');
    await mkdir(join(dirname(recordPath()), '@eaDir'));
    await writeFile(join(dirname(recordPath()), 'x.json'), '{"key":"x","outputs":{}}');
    const found = [];
    for await (const record of store.records()) found.push(record.key);
    expect(found).toEqual([key]);
  });

  it('is read where an earlier version wrote it, without a digest of itself', async () => {
    await publish('crumbs');
    await spoil(({ digest: _, ...record }) => record);
    expect(await lookup()).toBeDefined();
    await spoil((record) => ({ ...record, components: { ...components, kind: 'fry' } }));
    expect(await lookup()).toBeUndefined();
  });
});

describe('looking up', () => {
  it('misses a record whose file is gone or cut off', async () => {
    const { record } = await publish('crumbs');
    const path = (await store.blob(record.outputs.bread!))!;
    await rm(path);
    expect(await lookup()).toBeUndefined();
    await writeFile(path, 'cru');
    expect(await lookup()).toBeUndefined();
  });

  it('verifies a file when it is read first and after each change, and removes a false one', async () => {
    const { record } = await publish('crumbs');
    const { bread } = record.outputs;
    const path = (await store.blob(bread!))!;
    const { atime, mtime } = await stat(path);
    await chmod(path, 0o644);
    await writeFile(path, 'crumbz');
    await utimes(path, atime, mtime);
    expect(await store.blob(bread!)).toBeUndefined();
    expect(await readdir(dirname(path))).toEqual([]);
    expect(await lookup(await openStore(dir))).toBeUndefined();
  });

  it('makes nothing where there is no store', async () => {
    const none = await openStore(join(dir, 'none'));
    expect(none.isNew).toBe(true);
    expect(await lookup(none)).toBeUndefined();
    expect(await none.shards(key)).toEqual([]);
    expect(await readdir(dir)).not.toContain('none');
  });
});

describe('leases', () => {
  const take = async (from = store) => from.lease(key);
  const leasePath = () => join(dir, 'leases', key);

  it('are held by one at a time and given back', async () => {
    const lease = await take();
    expect(isHeld(lease)).toBe(false);
    const other = await take(await openStore(dir));
    expect(other).toEqual({ holder: `${hostname()}, process ${process.pid}` });
    if (!isHeld(lease)) await lease.release();
    const next = await take();
    expect(isHeld(next)).toBe(false);
    if (!isHeld(next)) await next.release();
  });

  it('are taken at once from a process of this system that is gone, also where its number lives on in another', async () => {
    const { self } = await nodeMachine();
    await mkdir(join(dir, 'leases'), { recursive: true });
    for (const gone of [
      { ...self, pid: 2 ** 22 + 1 },
      { ...self, start: '1' },
    ]) {
      await writeFile(leasePath(), JSON.stringify(gone));
      const lease = await take();
      expect(isHeld(lease), JSON.stringify(gone)).toBe(false);
      if (!isHeld(lease)) await lease.release();
    }
  });

  it('are not taken from a process of another namespace or machine while its heart may beat', async () => {
    const { self } = await nodeMachine();
    await mkdir(join(dir, 'leases'), { recursive: true });
    for (const other of [
      { ...self, namespace: 'pid:[1]', pid: 7 },
      { pid: 7, host: 'old-node', nonce: '00' },
    ]) {
      await writeFile(leasePath(), JSON.stringify(other));
      expect(await take()).toEqual({ holder: `${other.host}, process 7` });
    }
  });

  /** A lease of somebody far away, and how long we wait for it, whatever its times say. */
  const waitFor = async (beats: number) => {
    const world = memoryWorld(() => 0.5);
    const { machine } = world.process();
    world.write('/lease', JSON.stringify({ pid: 7, host: 'far' }));
    const takeLease = leases(machine);
    let waited = 0;
    const wait = async () => {
      for (; isHeld(await takeLease('/lease')); waited += 500) {
        if (waited / 5_000 < beats && waited % 5_000 === 0)
          world.write('/lease', JSON.stringify({ pid: 7, host: 'far' }));
        await machine.clock.sleep(500);
      }
    };
    await world.run(wait());
    return waited / 1000;
  };

  it('are taken when their beat has stood still for 30 s of our own clock', async () => {
    expect(await waitFor(0)).toBeCloseTo(30, 0);
    expect(await waitFor(4)).toBeCloseTo(45.5, 1);
  });

  it('are taken by one of many that see the holder dead', async () => {
    const world = memoryWorld(Math.random);
    world.write(
      '/lease',
      JSON.stringify({ pid: 99, start: '', boot: 'memory', namespace: 'memory', host: 'memory' }),
    );
    const takers = Array.from({ length: 8 }, () => leases(world.process().machine)('/lease'));
    const answers = await world.run(Promise.all(takers));
    expect(answers.filter((answer) => !isHeld(answer))).toHaveLength(1);
  });

  it('tell their holder that they were lost', async () => {
    const lease = await take();
    if (isHeld(lease)) throw new Error('nobody else is here');
    expect(await lease.held()).toBe(true);
    await writeFile(leasePath(), '{"pid":7,"host":"thief"}');
    expect(await lease.held()).toBe(false);
    await lease.release();
    expect(await readFile(leasePath(), 'utf8')).toContain('thief');
  });
});

describe('what was left behind', () => {
  it('is removed of processes of this system that are gone, and of no other', async () => {
    const own = await store.scratch();
    const [pid, start, system] = own.split('/').at(-1)!.split('.');
    const left = [`${2 ** 22 + 1}.5.${system}.ab`, `${pid}.1.${system}.ab`];
    const others = [
      `${2 ** 22 + 1}.5.${'0'.repeat(16)}.ab`,
      `${2 ** 22 + 1}@elsewhere-abc`,
      `${pid}.${start}.${system}.ff`,
    ];
    for (const name of [...left, ...others]) await mkdir(join(dir, 'tmp', name));
    await (await openStore(dir)).scratch();
    const names = await readdir(join(dir, 'tmp'));
    for (const name of left) expect(names).not.toContain(name);
    expect(names).toEqual(expect.arrayContaining([...others, own.split('/').at(-1)!]));
  });

  it('is removed as garbage when it is old, and nothing that a record points to', async () => {
    const { record } = await publish('crumbs');
    await publish('kept out');
    await writeFile(join(dirname(recordPath()), 'x.json'), '{}');
    await mkdir(join(dir, 'tmp', 'old'));
    expect(await store.collectGarbage()).toMatchObject({ entries: [], files: 0, bytes: 0 });
    await sleep(20); // the clock of a disk is coarse
    await store.release();
    const removed = await store.collectGarbage({ keepMs: -1 });
    expect(removed.bytes).toBe(8 + 2);
    expect(await store.blob(record.outputs.bread!)).toBeDefined();
    expect(await readdir(join(dir, 'tmp'))).toEqual([]);
    expect(await readdir(dirname(recordPath()))).toEqual([`${key}.json`]);
  });
});

describe('a file from outside', () => {
  const file = () => join(dir, 'flour.bin');
  const digest = async (path = file(), from = store) => (await from.look(path)).digest;

  it('is hashed again when it is another, though size and time stay', async () => {
    await writeFile(file(), 'one');
    await utimes(file(), 1e9, 1e9);
    expect(await digest()).toBe(digestOfText('one'));
    await writeFile(join(dir, 'other'), 'two');
    await utimes(join(dir, 'other'), 1e9, 1e9);
    await copyFile(join(dir, 'other'), file());
    await utimes(file(), 1e9, 1e9);
    expect(await digest()).toBe(digestOfText('two'));
    expect(await digest(file(), await openStore(dir))).toBe(digestOfText('two'));
  });

  it('is as it was seen until one of its files is touched, also with the same bytes', async () => {
    await writeFile(file(), 'one');
    const seen = await store.look(file());
    expect(await store.isAsSeen(seen)).toBe(true);
    await writeFile(file(), 'one');
    expect(await store.isAsSeen(seen)).toBe(false);
  });

  it('stands for what lies beside it and belongs to it', async () => {
    store = await openStore(join(dir, 's'), { filesOf: async () => ['flour.bin', 'yeast.bin'] });
    await writeFile(file(), 'one');
    await writeFile(join(dir, 'yeast.bin'), 'y');
    const first = await digest();
    expect(first).not.toBe(digestOfText('one'));
    await writeFile(join(dir, 'yeast.bin'), 'z');
    expect(await digest()).not.toBe(first);
  });

  it('stands for what one beside it names, from when that begins to name it', async () => {
    const world = memoryWorld(() => 0.3);
    for (const [name, text] of Object.entries({ main: 'a', a: '-', b: 'flour' }))
      world.write(`/m/${name}`, text);
    const textOf = (name: string) => new TextDecoder().decode(world.files.get(`/m/${name}`)?.bytes);
    // main names a, and a may name b
    const filesOf = async () => ['main', 'a', ...(textOf('a') === 'b' ? ['b'] : [])];
    const { machine } = world.process();
    const opened = await world.run(openStore('/store', { machine, filesOf }));
    const digest = async () => (await world.run(opened.look('/m/main'))).digest;
    const alone = await digest();
    world.write('/m/a', 'b');
    const named = await digest();
    world.write('/m/b', 'yeast');
    const other = await digest();
    expect(new Set([alone, named, other]).size).toBe(3);
    expect(await digest()).toBe(other);
  });

  it('changes as a folder with its files, their names and their links, and with nothing that systems leave', async () => {
    const recipes = join(dir, 'recipes');
    await mkdir(join(recipes, '0'), { recursive: true });
    await writeFile(join(recipes, '0', 'a.txt'), 'a');
    await writeFile(join(dir, 'elsewhere.txt'), 'b');
    const seen = new Set([await digest(recipes)]);
    for (const name of ['.DS_Store', 'Thumbs.db']) await writeFile(join(recipes, '0', name), 'junk');
    await mkdir(join(recipes, '@eaDir'));
    await writeFile(join(recipes, '@eaDir', 'a.txt'), 'junk');
    expect(seen).toContain(await digest(recipes));
    const changed = async (change: () => Promise<unknown>) => {
      await change();
      const now = await digest(recipes);
      expect(seen).not.toContain(now);
      seen.add(now);
    };
    await changed(() => writeFile(join(recipes, '0', 'a.txt'), 'c'));
    await changed(() => rename(join(recipes, '0', 'a.txt'), join(recipes, '0', 'b.txt')));
    await changed(() => symlink(join(dir, 'elsewhere.txt'), join(recipes, 'link.txt')));
    await changed(() => appendFile(join(dir, 'elsewhere.txt'), 'd'));
    await rm(join(dir, 'elsewhere.txt'));
    expect(seen).toContain(await digest(recipes)); // as before there was the link
    await mkdir(join(dir, 'more'));
    await writeFile(join(dir, 'more', 'c.txt'), 'c');
    await symlink(join(dir, 'recipes'), join(dir, 'more', 'up'));
    await changed(() => symlink(join(dir, 'more'), join(recipes, 'more')));
    await changed(() => writeFile(join(dir, 'more', 'c.txt'), 'e'));
    await changed(() => symlink(join(recipes, '0'), join(recipes, '1')));
  });

  it('is named where it can’t be read', async () => {
    await expect(store.look(join(dir, 'none.bin'))).rejects.toMatchObject({
      code: 'E_FILE',
      message: expect.stringContaining(join(dir, 'none.bin')),
    });
  });

  it('needs no note, and none that is damaged', async () => {
    await writeFile(file(), 'one');
    await utimes(file(), 1e9, 1e9);
    await mkdir(join(dir, 'files'));
    await writeFile(join(dir, 'files', `${digestOfText(file())}.json`), 'no JSON');
    expect(await digest()).toBe(digestOfText('one'));
    await rm(join(dir, 'files'), { recursive: true });
    await writeFile(join(dir, 'files'), 'in the way');
    expect(await digest()).toBe(digestOfText('one'));
  });
});

it('notes shards by family, with the keys of their records', async () => {
  const family = digestOfText('family');
  await store.noteShard(family, [0, 255], key);
  await writeFile(join(dir, 'shards', family, '256-299'), '');
  await writeFile(join(dir, 'shards', family, '.DS_Store'), '');
  const found = [...(await store.shards(family))].sort((a, b) => a[0] - b[0]);
  expect(found).toEqual([
    [0, 255],
    [256, 299],
  ]);
  expect(await store.shardKey(family, [0, 255])).toBe(key);
  expect(await store.shardKey(family, [256, 299])).toBeUndefined();
  expect(await store.shards(digestOfText('other'))).toEqual([]);
});

it('is refused where it is of a newer version, and read where nothing says of which it is', async () => {
  await publish('crumbs');
  await writeFile(join(dir, 'format.json'), '{"format":99}');
  await expect(openStore(dir)).rejects.toMatchObject({ code: 'E_STORE_FORMAT', exitCode: 2 });
  await rm(join(dir, 'format.json'));
  expect(await lookup(await openStore(dir))).toBeDefined();
});

it('says where the store is when it cannot be there', async () => {
  const file = join(dir, 'a-file');
  await writeFile(file, '');
  await expect(openStore(file)).rejects.toMatchObject({ code: 'E_STORE_ACCESS' });
  const inFile = await openStore(join(file, 'store'));
  await expect(inFile.scratch()).rejects.toMatchObject({ code: 'E_STORE_ACCESS', exitCode: 2 });
});
