import { describe, expect, it } from 'vitest';
import { type Digest, digestOfText } from '../digest.js';
import { type KeyComponents, keyOf } from '../key.js';
import { memoryWorld } from '../memory-machine.test.support.js';
import { randomOf } from '../random-graphs.test.support.js';
import type { Disk, Machine } from './machine.js';
import { openStore, type Store } from './store.js';

/** `npm run properties` asks for more. */
const meetings = Math.ceil(Number(process.env.FEWSTEP_GRAPHS ?? 3_000) / 20);

const outputs = { bread: 'file' } as const;
const componentsOf = (n: number): KeyComponents => ({
  kind: n % 2 ? 'bake' : 'fry',
  params: { n },
  inputs: {},
  versions: { task: '1' },
});
const keyAt = (n: number): Digest => keyOf(componentsOf(n));

/** Publishes the result of a task, `seconds` of work. */
async function publish(
  store: Store,
  write: (path: string, text: string) => void,
  n: number,
  text: string,
  seconds = 1,
) {
  const dir = await store.scratch();
  write(`${dir}/bread`, text);
  const startedAt = new Date(Date.now() - seconds * 1000);
  const [key, components, files] = [keyAt(n), componentsOf(n), { bread: `${dir}/bread` }];
  await store.publish({ key, components, files, outputs, meta: {}, startedAt, device: null });
  await store.discard(dir);
}

describe('beside a collection of all that may go', () => {
  /** What processes that begin at about the same time find there, and whether they keep it. */
  const meet = async (seed: number): Promise<{ found: number; missed: number; collected: number }> => {
    const random = randomOf(seed);
    const world = memoryWorld(random);
    const open = (boot: string) => openStore('/store', { machine: world.process({ boot }).machine });
    const { clock, disk } = world.process().machine;
    /** Another process, of this machine or another, that begins a little later. */
    const another = async () => {
      for (let requests = random() * 300; requests > 0; requests--) await disk.stamp('/');
      return open(random() < 0.5 ? 'here' : 'there');
    };
    const filled = async () => {
      const store = await open('here');
      for (let n = 0; n < 6; n++) await publish(store, world.write, n, `content ${n % 4}`);
      await store.release();
      await clock.sleep(10);
    };
    await world.run(filled());
    let [found, missed, collected] = [0, 0, 0];
    const holder = async () => {
      const store = await another();
      const n = Math.floor(random() * 6);
      await store.hold([keyAt(n)]);
      if (await store.lookup(keyAt(n), outputs)) found++;
      else {
        missed++;
        await publish(store, world.write, n, `content ${n % 4}`);
      }
      await clock.sleep(random() * 100);
      const record = (await store.lookup(keyAt(n), outputs))?.record;
      if (!record || (await store.blob(record.outputs.bread!)) === undefined)
        throw new Error(`seed ${seed}: what is held was removed`);
    };
    const collector = async () => {
      const store = await another();
      collected += await store.collectGarbage({ maxBytes: 0, keepMs: -1 }).then(
        ({ entries }) => entries.length,
        () => 0, // another collects
      );
    };
    await world.run(Promise.all([holder(), holder(), holder(), collector(), collector()]));
    return { found, missed, collected };
  };

  it('keeps what was found, and computes what was not', async () => {
    const sums = { found: 0, missed: 0, collected: 0 };
    for (let seed = 0; seed < meetings; seed++) {
      const met = await meet(seed);
      for (const what of ['found', 'missed', 'collected'] as const) sums[what] += met[what];
    }
    for (const [what, times] of Object.entries(sums)) expect(times, what).toBeGreaterThan(0);
  });

  /** A machine that stops at a request until it is told to go on; `stopped` resolves then. */
  const stopping = (machine: Machine, at: 'place' | 'replace', path: RegExp) => {
    let goOn: () => void = () => {};
    let stop: () => void = () => {};
    const going = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const disk: Disk = {
      ...machine.disk,
      [at]: async (file: string, text: string) => {
        if (path.test(file)) {
          stop();
          await going;
        }
        return machine.disk[at](file, text);
      },
    };
    return { machine: { ...machine, disk }, stopped, goOn };
  };

  it.each(['between its files and its record', 'and ends while it is collected'])(
    'keeps what somebody publishes %s',
    async (when) => {
      const world = memoryWorld(randomOf(1));
      const publisher = stopping(world.process().machine, 'place', /records/);
      const collector = stopping(world.process().machine, 'replace', /gate/);
      const store = await world.run(openStore('/store', { machine: publisher.machine }));
      const run = async () => {
        const published = publish(store, world.write, 1, 'bread');
        await publisher.stopped;
        await publisher.machine.clock.sleep(10);
        const collecting = (await openStore('/store', { machine: collector.machine })).collectGarbage({
          maxBytes: 0,
          keepMs: -1,
        });
        if (when === 'and ends while it is collected') {
          await Promise.race([collector.stopped, collecting]);
          publisher.goOn();
          await published;
          await store.release();
          collector.goOn();
          await collecting;
        } else {
          collector.goOn();
          await collecting;
          publisher.goOn();
          await published;
        }
        return store.lookup(keyAt(1), outputs);
      };
      expect(await world.run(run())).toBeDefined();
    },
  );
});

describe('what goes', () => {
  /** A store with four results: 0 and 1 share a file, 2 is large and cheap, 3 small and dear. */
  const filled = async () => {
    const world = memoryWorld(randomOf(2));
    const { machine } = world.process();
    const { clock } = machine;
    const run = async () => {
      const store = await openStore('/store', { machine });
      await publish(store, world.write, 0, 'shared', 50);
      await publish(store, world.write, 1, 'shared', 50);
      await clock.sleep(60_000);
      await publish(store, world.write, 2, 'large '.repeat(1000), 1);
      await publish(store, world.write, 3, 'dear', 500);
      await store.release();
      await clock.sleep(10);
      return store;
    };
    const store = await world.run(run());
    const there = async () => {
      const found: number[] = [];
      for (let n = 0; n < 4; n++) if (await store.lookup(keyAt(n), outputs)) found.push(n);
      return found;
    };
    const blobs = () => [...world.files.keys()].filter((path) => path.includes('/blobs/')).length;
    return { world, store, there: () => world.run(there()), blobs };
  };
  const keysOf = (...numbers: readonly number[]) => numbers.map(keyAt);

  it('is nothing where nothing is asked for', async () => {
    const { world, store, there } = await filled();
    expect(await world.run(store.collectGarbage())).toMatchObject({ entries: [], files: 0, bytes: 0 });
    expect(await there()).toEqual([0, 1, 2, 3]);
  });

  it('is first what is cheap for its size, and no more than it takes', async () => {
    const { world, store, there, blobs } = await filled();
    const before = (await world.run(store.collectGarbage({ dryRun: true }))).left;
    const seen = await world.run(store.collectGarbage({ maxBytes: before - 1, dryRun: true }));
    expect(seen.entries.map(({ key }) => key)).toEqual(keysOf(2));
    expect(await there()).toEqual([0, 1, 2, 3]);
    const gone = await world.run(store.collectGarbage({ maxBytes: before - 1 }));
    expect(gone).toEqual(seen);
    expect(gone).toMatchObject({ files: 2, bytes: before - gone.left });
    expect(await there()).toEqual([0, 1, 3]);
    expect(blobs()).toBe(2);
  });

  it('takes a file with the last of the records that have it', async () => {
    const { world, store, there, blobs } = await filled();
    await world.run(store.collectGarbage({ keep: new Set(keysOf(1, 3)) }));
    expect(await there()).toEqual([1, 3]);
    expect(blobs()).toBe(2);
    const { left } = await world.run(store.collectGarbage({ keep: new Set(keysOf(3)) }));
    expect(await there()).toEqual([3]);
    expect(blobs()).toBe(1);
    const files = [...world.files].filter(([path]) => /records|blobs/.test(path));
    expect(left).toBe(files.reduce((sum, [, { bytes }]) => sum + bytes.length, 0));
  });

  it('is what was put there long ago, of what nobody keeps, pins or holds', async () => {
    const { world, store, there } = await filled();
    await world.run(store.collectGarbage({ olderThanMs: 30_000, keep: new Set(keysOf(0)) }));
    expect(await there()).toEqual([0, 2, 3]);
    const { machine } = world.process({ boot: 'elsewhere' });
    const other = await world.run(openStore('/store', { machine }));
    await world.run(other.hold(keysOf(2)));
    const pin = { name: 'paper', of: ['spec.yaml'], at: '2026-11-30T00:00:00.000Z', keys: keysOf(3) };
    await world.run(store.pin(pin));
    await world.run(store.release());
    expect(await world.run(store.pins())).toEqual([pin]);
    expect(await world.run(store.collectGarbage({ maxBytes: 0 }))).toMatchObject({
      entries: [{ key: keyAt(0) }],
      stayed: { pinned: 1, held: 1 },
    });
    expect(await there()).toEqual([2, 3]);
    expect([await world.run(store.unpin('paper')), await world.run(store.unpin('paper'))]).toEqual([
      true,
      false,
    ]);
    await world.run(other.release());
    await world.run(store.collectGarbage({ maxBytes: 0 }));
    expect(await there()).toEqual([]);
  });

  it('is no shard of a family that somebody cuts along, and takes its note along', async () => {
    const { world, store, there } = await filled();
    const family = digestOfText('family');
    const elsewhere = world.process({ boot: 'elsewhere' }).machine;
    const other = await world.run(openStore('/store', { machine: elsewhere }));
    await world.run(store.noteShard(family, [0, 3], keyAt(0)));
    await world.run(store.noteShard(family, [4, 7], digestOfText('of a record that is no more')));
    await world.run(other.hold([family]));
    await world.run(elsewhere.clock.sleep(10));
    const { stayed } = await world.run(store.collectGarbage({ maxBytes: 0 }));
    expect([stayed.held, await there(), (await world.run(store.shards(family))).length]).toEqual([1, [0], 2]);
    await world.run(other.release());
    await world.run(store.collectGarbage());
    expect(await world.run(store.shards(family))).toEqual([[0, 3]]);
    await world.run(store.collectGarbage({ maxBytes: 0 }));
    expect([await there(), await world.run(store.shards(family))]).toEqual([[], []]);
  });

  it('is what a process held that is gone, at once here and after a while elsewhere', async () => {
    for (const [boot, waits] of [
      ['memory', 0],
      ['elsewhere', 20 * 60_000],
    ] as const) {
      const { world, store, there } = await filled();
      const { machine, killed } = world.process({ boot, requests: 60 });
      const run = async () => {
        const other = await openStore('/store', { machine });
        await other.hold(keysOf(2));
        for (;;) await other.lookup(keyAt(2), outputs);
      };
      await world.run(Promise.race([run(), killed]));
      if (waits > 0) {
        expect((await world.run(store.collectGarbage({ maxBytes: 0 }))).stayed.held).toBe(1);
        await world.run(world.process().machine.clock.sleep(2 * waits));
      }
      await world.run(store.collectGarbage({ maxBytes: 0 }));
      expect(await there()).toEqual([]);
      expect([...world.files.keys()].filter((path) => path.includes('/holds/'))).toEqual([
        '/store/holds/gate',
      ]);
    }
  });

  it('is not what is held again while it is let go of', async () => {
    const { world, store } = await filled();
    const other = await world.run(openStore('/store', { machine: world.process().machine }));
    const stayed = async () =>
      (await world.run(store.collectGarbage({ maxBytes: 0, dryRun: true }))).stayed.held;
    await world.run(other.hold(keysOf(2)));
    const released = other.release();
    await world.run(Promise.all([released, other.hold(keysOf(2))]));
    expect(await stayed()).toBe(1);
    const waits = other.hold(keysOf(2, 3));
    await world.run(Promise.all([waits, other.release(), other.hold(keysOf(2))]));
    expect(await stayed()).toBe(1);
    await world.run(other.release());
    expect(await stayed()).toBe(0);
  });

  it('is refused while another collects', async () => {
    const { world, store } = await filled();
    const other = await world.run(
      openStore('/store', { machine: world.process({ boot: 'elsewhere' }).machine }),
    );
    const both = [store.collectGarbage({ maxBytes: 0 }), other.collectGarbage({ maxBytes: 0 })];
    const [, refused] = await world.run(Promise.allSettled(both));
    expect(refused).toMatchObject({ reason: { code: 'E_STORE_BUSY' } });
  });

  it.each(['', '../up', '.hidden', 'a/b', 'x'.repeat(101)])('refuses the name %j of a pin', async (name) => {
    const { world, store } = await filled();
    await expect(world.run(store.pin({ name, of: [], at: '', keys: [] }))).rejects.toMatchObject({
      code: 'E_PIN',
    });
  });
});

describe('verifying', () => {
  it('tells what is damaged and what it was made by, and removes that alone', async () => {
    const world = memoryWorld(randomOf(3));
    const { machine } = world.process();
    const store = await world.run(openStore('/store', { machine }));
    const run = async () => {
      for (let n = 0; n < 4; n++) await publish(store, world.write, n, `content ${n}`);
      await store.release();
      await machine.clock.sleep(10);
    };
    await world.run(run());
    const blobOf = (n: number) => store.pathOf({ digest: digestOfText(`content ${n}`), size: 9 });
    const recordOf = (n: number) => `/store/records/${keyAt(n).slice(0, 2)}/${keyAt(n)}.json`;
    expect(await world.run(store.verify())).toEqual({
      records: 4,
      files: 4,
      bytes: 36,
      damaged: [],
      incomplete: [],
      removed: 0,
    });
    world.write(blobOf(0), 'kontent 0');
    world.write(recordOf(1), '{}');
    world.drop(blobOf(2));
    world.write('/store/blobs/00/.DS_Store', '');
    world.write('/store/records/00/.DS_Store', '');
    await world.run(machine.clock.sleep(10));
    const told = await world.run(store.verify());
    expect(told).toMatchObject({ records: 3, files: 3, bytes: 27, removed: 0 });
    const found = digestOfText('kontent 0');
    expect(told.damaged).toEqual([
      { path: blobOf(0), what: 'file', by: [{ kind: 'fry', key: keyAt(0) }], found },
      { path: recordOf(1), what: 'record', by: [] },
    ]);
    const incomplete = [{ path: recordOf(2), kind: 'fry', key: keyAt(2), missing: ['bread'] }];
    expect(told.incomplete).toEqual(incomplete);
    expect((await world.run(store.verify({ repair: true }))).removed).toBe(2);
    const again = await world.run(store.verify());
    expect(again.damaged).toEqual([]);
    expect(again.incomplete.map(({ key }) => key).sort()).toEqual([keyAt(0), keyAt(2)].sort());
    expect(world.files.has(recordOf(3)) && world.files.has(blobOf(3))).toBe(true);
  });
});
