import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type KeyComponents, keyOf } from '../key.js';
import { memoryRemote, memoryWorld, type World } from '../memory-machine.test.support.js';
import type { Machine } from './machine.js';
import { isBelieved } from './record.js';
import { type Refused, type Remote, type RemoteOptions, type RemoteStore, withRemote } from './remote.js';
import { openStore } from './store.js';

const outputs = { bread: 'file' } as const;
const componentsOf = (n: number): KeyComponents => ({
  kind: 'bake',
  params: { n },
  inputs: {},
  versions: { oven: '1' },
});
const digestOf = (text: string) => hash('sha256', text);
const family = digestOf('family');
const never = new Promise<never>(() => {});
/** What was there before a run, which nothing may wait longer for. */
const patience = 2_000;

interface Told {
  readonly failures: string[];
  readonly slow: string[];
  readonly refused: Refused[];
}

/** A machine of the world with a store of its own, and what it is told. */
async function machineOf(
  world: World,
  dir: string,
  of: (machine: Machine) => Remote,
  options: RemoteOptions = {},
): Promise<{ readonly store: RemoteStore; readonly machine: Machine; readonly told: Told }> {
  const { machine } = world.process({ boot: dir });
  const told: Told = { failures: [], slow: [], refused: [] };
  const accepts = options.accepts ?? ((record) => isBelieved(record, options.secret));
  const local = await world.run(openStore(dir, { machine, accepts }));
  const store = withRemote(local, of(machine), {
    clock: machine.clock,
    onFailure: ({ message }) => told.failures.push(message),
    onSlow: ({ message }) => told.slow.push(message),
    onRefused: (refused) => told.refused.push(refused),
    ...options,
  });
  return { store, machine, told };
}

/** Publishes a result, as a run does; `startedMsAgo` is how long it took. */
async function bake(
  { store, machine }: Pick<Awaited<ReturnType<typeof machineOf>>, 'store' | 'machine'>,
  n: number,
  { what = 'bread', device = 'oven', tookMs = 0 } = {},
) {
  const dir = await store.scratch();
  await machine.disk.replace(`${dir}/bread`, `${what} ${n}`);
  const components = componentsOf(n);
  return store.publish({
    key: keyOf(components),
    components,
    files: { bread: `${dir}/bread` },
    outputs,
    meta: {},
    startedAt: new Date(Date.now() - tookMs),
    device,
  });
}
const lookup = (store: RemoteStore, n: number) => store.lookup(keyOf(componentsOf(n)), outputs);

const soundRemote = () => memoryRemote(() => 0.4, false);

/** A remote that has `count` results. */
async function filled(
  world: World,
  count: number,
  options: Parameters<typeof bake>[2] = {},
  more: RemoteOptions = {},
) {
  const remote = soundRemote();
  const maker = await machineOf(world, '/maker', remote, more);
  for (let n = 0; n < count; n++) await world.run(bake(maker, n, options));
  await world.run(maker.store.settled());
  return remote;
}

describe('a remote that does not answer', () => {
  const after = (ms: number, { clock }: Machine) => clock.sleep(ms);
  /** What each call does in place of its answer. */
  const ways: Record<string, (machine: Machine, sound: Remote) => Partial<Remote>> = {
    'hangs everywhere': () => ({ get: () => never, has: () => never, put: () => never }),
    'hangs where it is read': () => ({ get: () => never, has: () => never }),
    'hangs where it is written': () => ({ put: () => never }),
    'refuses late': (machine) => {
      const refuse = () =>
        after(900, machine).then(() => {
          throw new Error('no line');
        });
      return { get: refuse, has: refuse, put: refuse };
    },
    'gives a byte now and then': (machine, sound) => ({
      get: async (name, signal) => {
        const content = await sound.get(name, signal);
        return (
          content &&
          (async function* () {
            for await (const part of content)
              for (const byte of part) {
                await after(700, machine);
                yield Uint8Array.of(byte);
              }
          })()
        );
      },
    }),
    'gives records, and then hangs': (_, sound) => ({
      get: async (name, signal) => (name.startsWith('blobs/') ? never : sound.get(name, signal)),
      put: () => never,
    }),
  };

  it.each(Object.keys(ways))('and %s costs a run two seconds in all, and is told once', async (way) => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 10);
    const of = (machine: Machine): Remote => {
      const sound = remote(machine);
      return { ...sound, ...ways[way]!(machine, sound) };
    };
    const here = await machineOf(world, '/here', of);
    const { store, machine, told } = here;
    const begun = machine.clock.now();
    // tasks that depend on each other, as deep as a plan of a fit
    for (let n = 0; n < 30; n++) {
      const found = await world.run(lookup(store, n));
      const path = found && (await world.run(store.blob(found.record.outputs.bread!)));
      if (path === undefined) await world.run(bake(here, n));
      await world.run(store.noteShard(family, [n, n], keyOf(componentsOf(n))));
    }
    await world.run(store.settled());
    const ms = machine.clock.now() - begun;
    // a sound one takes 8 ms for each answer
    expect(ms).toBeLessThan(patience + (way.startsWith('hangs where') ? 1_500 : 500));
    expect(told.failures).toHaveLength(1);
    // and all is right
    for (let n = 0; n < 30; n++) {
      const { record } = (await world.run(store.local.lookup(keyOf(componentsOf(n)), outputs)))!;
      expect(record.outputs.bread!.digest).toBe(digestOf(`bread ${n}`));
    }
  });

  it('is not waited for longer by what was asked in the meantime', async () => {
    const world = memoryWorld(() => 0.4);
    const hanging = { get: () => never, has: () => never, put: () => never };
    const { store, machine } = await machineOf(world, '/here', () => hanging);
    const first = lookup(store, 0);
    await world.run(machine.clock.sleep(1_500));
    const begun = machine.clock.now();
    await world.run(Promise.all([first, lookup(store, 1)]));
    expect(machine.clock.now() - begun).toBeLessThan(700);
  });

  it('does not hold what others move', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 1, { what: 'x'.repeat(38), tookMs: 60_000 });
    // 40 bytes in 20 s while a record hangs
    const of = (machine: Machine): Remote => ({
      ...remote(machine),
      get: async (name, signal) => {
        if (name === `records/${keyOf(componentsOf(7))}`) return never;
        const content = await remote(machine).get(name, signal);
        if (!content || !name.startsWith('blobs/')) return content;
        return (async function* () {
          for await (const part of content)
            for (const byte of part) {
              await machine.clock.sleep(500);
              yield Uint8Array.of(byte);
            }
        })();
      },
    });
    const { store, told } = await machineOf(world, '/here', of);
    const { record } = (await world.run(lookup(store, 0)))!;
    const [path, none] = await world.run(
      Promise.all([store.blob(record.outputs.bread!), lookup(store, 7)] as const),
    );
    expect([path, none]).toEqual([expect.stringContaining('/here/blobs/'), undefined]);
    expect(told.failures).toEqual(['it has not answered for 2 s']);
  });
});

describe('a transfer', () => {
  /** Gives and takes a byte each 100 ms. */
  const slow =
    (remote: ReturnType<typeof soundRemote>, asked: string[]) =>
    (machine: Machine): Remote => {
      const dripping = async function* (content: AsyncIterable<Uint8Array>) {
        for await (const part of content)
          for (const byte of part) {
            await machine.clock.sleep(100);
            yield Uint8Array.of(byte);
          }
      };
      return {
        ...remote(machine),
        get: async (name, signal) => {
          asked.push(name);
          const content = await remote(machine).get(name, signal);
          return content && name.startsWith('blobs/') ? dripping(content) : content;
        },
        put: (name, content, signal) => {
          if (!name.startsWith('blobs/')) return remote(machine).put(name, content, signal);
          const open = async function* () {
            for await (const byte of dripping(content.open())) {
              content.moved?.();
              yield byte;
            }
          };
          return remote(machine).put(name, { ...content, open }, signal);
        },
      };
    };
  const what = 'a bread of fifty letters, which come in 5 s, of';

  it.each([
    { tookMs: 100, comes: false },
    { tookMs: 60_000, comes: true },
  ])(
    'that would take five seconds comes: $comes, where it took $tookMs ms to compute',
    async ({ tookMs, comes }) => {
      const world = memoryWorld(() => 0.4);
      const remote = await filled(world, 2, { what, tookMs });
      const asked: string[] = [];
      const { store, machine, told } = await machineOf(world, '/here', slow(remote, asked));
      const begun = machine.clock.now();
      for (const n of [0, 1]) {
        const { record } = (await world.run(lookup(store, n)))!;
        expect((await world.run(store.blob(record.outputs.bread!))) !== undefined).toBe(comes);
      }
      expect(told.slow).toHaveLength(comes ? 0 : 1);
      expect(told.failures).toEqual([]);
      // given up after the first second, and the next is not begun
      if (!comes) expect(machine.clock.now() - begun).toBeLessThan(1_500);
    },
  );

  it('shares the line with others: two at once take five seconds, and one alone half of that', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 2, { what, tookMs: 4_000 });
    const { store, told } = await machineOf(world, '/here', slow(remote, []));
    const records = await Promise.all([0, 1].map(async (n) => (await world.run(lookup(store, n)))!.record));
    const paths = await world.run(Promise.all(records.map((record) => store.blob(record.outputs.bread!))));
    expect([paths.includes(undefined), told.slow]).toEqual([false, []]);
  });

  it('comes however long it takes where it is copied on purpose', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 1, { what });
    const { store } = await machineOf(world, '/here', slow(remote, []), { unhurried: true });
    const { record } = (await world.run(lookup(store, 0)))!;
    expect(await world.run(store.blob(record.outputs.bread!))).toBeDefined();
  });

  it('is given up where it goes, too, and then no record promises it', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = soundRemote();
    const here = await machineOf(world, '/here', slow(remote, []));
    await world.run(bake(here, 0, { what }));
    await world.run(here.store.settled());
    expect(here.told).toMatchObject({ failures: [], slow: [expect.stringMatching(/would take longer/)] });
    expect([...remote.kept.keys()].filter((name) => name.startsWith('records/'))).toEqual([]);
  });
});

describe('what is sent', () => {
  it('is tried again where it fails, and then nothing was the matter', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = soundRemote();
    let tries = 0;
    const failing = (machine: Machine): Remote => ({
      ...remote(machine),
      put: async (...all) => {
        if (tries++ < 3) throw new Error('busy');
        return remote(machine).put(...all);
      },
    });
    const here = await machineOf(world, '/here', failing);
    await world.run(bake(here, 0));
    await world.run(here.machine.clock.sleep(10_000)); // the run goes on
    await world.run(here.store.settled());
    expect(here.told.failures).toEqual([]);
    expect([...remote.kept.keys()]).toHaveLength(2);
    expect(tries).toBe(5);
  });

  it('is nothing where the remote is only read', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = soundRemote();
    const here = await machineOf(world, '/here', remote, { readOnly: true });
    await world.run(bake(here, 0));
    await world.run(here.store.noteShard(family, [0, 0], keyOf(componentsOf(0))));
    await world.run(here.store.settled());
    expect([...remote.kept.keys()]).toEqual([]);
  });

  it('is told of each: sent, there, lost', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = soundRemote();
    const here = await machineOf(world, '/here', remote, { readOnly: true });
    const { record } = await world.run(bake(here, 0));
    expect(await world.run(here.store.send(record))).toEqual({ state: 'sent', bytes: 7 });
    expect(await world.run(here.store.send(record))).toEqual({ state: 'there', bytes: 0 });
    const other = (await world.run(bake(here, 1))).record;
    world.drop(here.store.pathOf(other.outputs.bread!));
    expect(await world.run(here.store.send(other))).toEqual({ state: 'lost' });
  });
});

describe('what is made to do harm', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  it.each([
    ['a number without end', (record: object) => JSON.stringify(record).replace('"n":0', '"n":1e999')],
    [
      'another, in what no key is of',
      (record: object) => JSON.stringify({ ...record, meta: 7 }).replace('"meta":7', '"meta":{"n":1e999}'),
    ],
    [
      'lists in lists',
      (record: object) => JSON.stringify({ ...record, meta: 7 }).replace('"meta":7', `"meta":{"n":${deep}}`),
    ],
    [
      'names that are no names',
      (record: object) =>
        JSON.stringify({ ...record, outputs: 7 }).replace('7', '{"__proto__":{"digest":1}}'),
    ],
    ['a text without an end', () => ' '.repeat(17 << 20)],
  ])('%s is nothing, and not told', async (_, change) => {
    const world = memoryWorld(() => 0.4);
    for (const secret of [undefined, 'the key of the laboratory']) {
      const remote = await filled(world, 1, {}, { secret });
      const name = `records/${keyOf(componentsOf(0))}`;
      const text = change(JSON.parse(new TextDecoder().decode(remote.kept.get(name))));
      for (const one of [name, `shards/${family}`]) remote.kept.set(one, new TextEncoder().encode(text));
      const { store, told } = await machineOf(world, `/here${secret}`, remote, { secret });
      expect(await world.run(lookup(store, 0))).toBeUndefined();
      expect(await world.run(store.shards(family))).toEqual([]);
      expect(told.failures).toEqual([]);
    }
  });
});

describe('with a secret', () => {
  const secret = 'the key of the laboratory';

  it('what is signed with it is found, also by those who have none', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 1, {}, { secret });
    for (const options of [{ secret }, {}]) {
      const { store, told } = await machineOf(world, `/here${Object.keys(options)}`, remote, options);
      expect(await world.run(lookup(store, 0))).toMatchObject({ source: 'remote' });
      await world.run(store.settled());
      expect(told.refused).toEqual([]);
    }
  });

  it.each([{}, { secret: 'the key of somebody else' }])('nothing else is: %j', async (theirs) => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 2, {}, theirs);
    const here = await machineOf(world, '/here', remote, { secret });
    for (const n of [0, 1, 1]) expect(await world.run(lookup(here.store, n))).toBeUndefined();
    await world.run(here.store.settled());
    await world.run(here.store.settled());
    expect(here.told.refused).toEqual([{ unsigned: 2, others: 0 }]);
    // and ours takes its place
    await world.run(bake(here, 0));
    await world.run(here.store.settled());
    const third = await machineOf(world, '/third', remote, { secret });
    expect(await world.run(lookup(third.store, 0))).toMatchObject({ source: 'remote' });
  });

  it('a signature is of one record under one name', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 1, {}, { secret });
    const name = `records/${keyOf(componentsOf(0))}`;
    const record = JSON.parse(new TextDecoder().decode(remote.kept.get(name)));
    expect(isBelieved(record, undefined)).toBe(true);
    const { digest: _, ...signed } = record;
    expect(isBelieved(signed, secret)).toBe(true);
    expect(isBelieved({ ...signed, meta: { loaves: 6 } }, secret)).toBe(false);
    expect(isBelieved({ ...signed, key: keyOf(componentsOf(1)) }, secret)).toBe(false);
    expect(isBelieved({ ...signed, signature: signed.signature.slice(1) }, secret)).toBe(false);
  });

  it('what came unsigned before there was a key is neither believed any more, nor signed as our own', async () => {
    const world = memoryWorld(() => 0.4);
    const theirs = await filled(world, 1);
    const before = await machineOf(world, '/here', theirs);
    const { record } = (await world.run(lookup(before.store, 0)))!;
    await world.run(before.store.blob(record.outputs.bread!));
    expect(await world.run(before.store.local.lookup(record.key, outputs))).toBeDefined();
    const ours = soundRemote();
    const now = await machineOf(world, '/here', ours, { secret });
    expect(await world.run(now.store.send(record))).toEqual({ state: 'unsigned' });
    expect([...ours.kept.keys()]).toEqual([]);
    expect(await world.run(lookup(now.store, 0))).toBeUndefined();
    await world.run(bake(now, 0));
    expect(await world.run(lookup(now.store, 0))).toMatchObject({ source: 'local' });
  });

  it('notes of shards are signed, too: strangers could have a run cut into a million parts', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = soundRemote();
    const theirs = await machineOf(world, '/theirs', remote);
    await world.run(theirs.store.noteShard(family, [0, 0], keyOf(componentsOf(0))));
    await world.run(theirs.store.settled());
    const ours = await machineOf(world, '/ours', remote, { secret });
    expect(await world.run(ours.store.shards(family))).toEqual([]);
    await world.run(ours.store.noteShard(family, [1, 2], keyOf(componentsOf(1))));
    await world.run(ours.store.settled());
    const third = await machineOf(world, '/third', remote, { secret });
    expect(await world.run(third.store.shards(family))).toEqual([[1, 2]]);
  });
});

describe('results of another device', () => {
  it('are not there for who accepts none, are told with their number, and stay where they are', async () => {
    const world = memoryWorld(() => 0.4);
    const remote = await filled(world, 2, { device: 'stone oven' });
    const accepts: RemoteOptions['accepts'] = ({ provenance }) => provenance.device === 'oven';
    const here = await machineOf(world, '/here', remote, { accepts });
    for (const n of [0, 1]) {
      expect(await world.run(lookup(here.store, n))).toBeUndefined();
      await world.run(bake(here, n));
      expect((await world.run(lookup(here.store, n)))!.record.provenance.device).toBe('oven');
    }
    await world.run(here.store.settled());
    expect(here.told.refused).toEqual([{ unsigned: 0, others: 2 }]);
    const third = await machineOf(world, '/third', remote);
    expect((await world.run(lookup(third.store, 0)))!.record.provenance.device).toBe('stone oven');
  });
});
