import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Execution, execute } from './execute.js';
import type { Executor, Job } from './executor.js';
import { each, graphBuilder, isShards, type Node, output, outputs, outside } from './graph.js';
import { memoryRemote, memoryWorld, type World } from './memory-machine.test.support.js';
import { expectedOf, kinds, versions } from './random-graphs.test.support.js';
import { compute } from './random-graphs-run.test.support.js';
import type { FilesOf } from './store/file-notes.js';
import type { Machine } from './store/machine.js';
import { type Remote, withRemote } from './store/remote.js';
import { openStore } from './store/store.js';

const outsideFile = '/home/weights';
const filesOf: FilesOf = async (path) => [path.split('/').at(-1)!];

/** A task of a file, shards of that, shards of those, and one task of all: 6 in all. */
function nodes(): readonly Node[] {
  const graph = graphBuilder();
  const read = graph.task(kinds.single, {
    title: 'read',
    params: { n: 0, first: 0 },
    inputs: { data: outside(outsideFile), parts: [], few: [] },
  });
  const shared = { ranges: [[0, 4]] as const, size: 3, item: 'item' };
  const made = graph.shards(kinds.sharded, {
    title: 'made',
    params: { n: 1 },
    inputs: { data: output(read, 'a'), parts: [], rows: [] },
    ...shared,
  });
  const seen = graph.shards(kinds.sharded, {
    title: 'seen',
    params: { n: 2 },
    inputs: { parts: [output(read, 'c')], rows: [each(made, 'a')] },
    ...shared,
  });
  const told = graph.task(kinds.single, {
    title: 'told',
    params: { n: 3, first: 0 },
    inputs: { parts: [outputs(seen, 'b')], few: [] },
  });
  return [read, made, seen, told];
}
const tasks = 6;
const never = new Promise<never>(() => {});

/** Bytes of a file, and what they are read and written with. */
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** Computes with the files of a disk. */
async function computeOn({ disk }: Machine, job: Job, paths: Record<string, string[]>, dir: string) {
  const texts: Record<string, string[]> = {};
  for (const [name, list] of Object.entries(paths))
    texts[name] = await Promise.all(list.map(async (path) => textOf(await disk.read(path))));
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(compute(job.kind.name, job.params, texts))) {
    await disk.replace(join(dir, name), text);
    files[name] = name;
  }
  return files;
}

/** An executor of the machine itself. */
const here = (machine: Machine): Executor => ({
  slots: 2,
  async run(job) {
    job.onStart();
    const paths: Record<string, string[]> = {};
    for (const [name, list] of Object.entries(job.inputs))
      paths[name] = await Promise.all(list.map(job.locate));
    return { files: await computeOn(machine, job, paths, job.dir), meta: {}, device: 'here' };
  },
  close: async () => {},
});

/**
 * An executor of another machine: with another root folder and another clock. Files of the store travel by digest; one from
 * outside that is not in its own folders travels where it is small, else the task runs where the file is.
 */
function elsewhere(machine: Machine, away: Machine, step: () => Promise<void>, mostBytes: number): Executor {
  const local = here(machine);
  return {
    slots: 3,
    async run(job) {
      await step();
      if (job.versions.pkg !== versions.pkg) throw new Error(`it has no pkg ${job.versions.pkg}`);
      const paths: Record<string, string[]> = {};
      for (const [name, list] of Object.entries(job.inputs)) {
        paths[name] = [];
        for (const input of list) {
          const kept = `/worker/files/${input.digest}`;
          paths[name].push(kept);
          if (await away.disk.stamp(kept)) continue;
          const path = await job.locate(input);
          if ('file' in input && (await machine.disk.stamp(path))!.size > mostBytes) return local.run(job);
          await step();
          await away.disk.replace(kept, textOf(await machine.disk.read(path)));
        }
      }
      job.onStart();
      await step();
      const dir = `/worker/tmp/${job.key}`;
      const files = await computeOn(away, job, paths, dir);
      for (const name of Object.keys(files)) {
        await step();
        await machine.disk.replace(join(job.dir, name), textOf(await away.disk.read(join(dir, name))));
      }
      return { files, meta: {}, device: 'elsewhere' };
    },
    close: async () => {},
  };
}

/** Runs the graph on a machine. */
async function runOn(
  world: World,
  dir: string,
  {
    executor = here,
    remote,
  }: { executor?: (machine: Machine) => Executor; remote?: (machine: Machine) => Remote } = {},
): Promise<Execution & { readonly told: Error[]; readonly virtualMs: number }> {
  const { machine } = world.process({ boot: dir });
  const told: Error[] = [];
  const { clock } = machine;
  const begun = clock.now();
  const local = await world.run(openStore(dir, { machine, filesOf }));
  const store = remote
    ? withRemote(local, remote(machine), { clock, onFailure: (error) => told.push(error) })
    : local;
  const wanted = nodes();
  const execution = await world.run(execute(wanted, { store, executor: executor(machine), versions, clock }));
  if ('settled' in store) await world.run(store.settled());
  if (execution.failures.size === 0) {
    const expected = expectedOf(wanted, textOf(world.files.get(outsideFile)?.bytes));
    for (const node of wanted) {
      const made = isShards(node) ? execution.shards.get(node)! : [node];
      const read = (name: string) =>
        made.map((task) => {
          const found = execution.records.get(task)!.outputs[name]!;
          return textOf(world.files.get(store.pathOf(found))?.bytes);
        });
      expect(read('a').join('\n'), node.title).toBe(expected.get(node)!.a);
    }
  }
  return { ...execution, told, virtualMs: clock.now() - begun };
}

function begin(): World {
  const world = memoryWorld(() => 0.4);
  world.write(outsideFile, 'weights');
  return world;
}

describe('an executor of another machine', () => {
  const awayOf = (world: World): Machine => {
    const { machine } = world.process({ boot: 'away' });
    return { ...machine, clock: { ...machine.clock, now: () => machine.clock.now() - 1e9 } };
  };
  const steps = (fails = 0) => {
    let count = 0;
    return {
      step: async () => {
        if (++count === fails) throw new Error('the line broke');
      },
      count: () => count,
    };
  };

  it('computes what it has the files for, and leaves the rest to the machine that has them', async () => {
    for (const [mostBytes, devices] of [
      [100, ['elsewhere']],
      [3, ['elsewhere', 'here']],
    ] as const) {
      const world = begin();
      const { step } = steps();
      const executor = (machine: Machine) => elsewhere(machine, awayOf(world), step, mostBytes);
      const { computed, records } = await runOn(world, '/store', { executor });
      expect(computed).toBe(tasks);
      const used = new Set([...records.values()].map(({ provenance }) => provenance.device));
      expect([...used].sort()).toEqual(devices);
    }
  });

  it('takes a file from its own folders by its digest', async () => {
    const world = begin();
    const away = awayOf(world);
    const { digest } = (await world.run(away.disk.hash(outsideFile)))!;
    world.write(`/worker/files/${digest}`, 'weights');
    const executor = (machine: Machine) => elsewhere(machine, away, async () => {}, 0);
    const { records } = await runOn(world, '/store', { executor });
    expect([...records.values()].every(({ provenance }) => provenance.device === 'elsewhere')).toBe(true);
  });

  it('loses nothing that was finished, whichever of its calls fails', async () => {
    let calls = Infinity;
    for (let fails = 1; fails <= calls; fails++) {
      const world = begin();
      const { step, count } = steps(fails);
      const executor = (machine: Machine) => elsewhere(machine, awayOf(world), step, 100);
      const first = await runOn(world, '/store', { executor });
      expect([...first.failures.values()].map(({ message }) => message)).toEqual(
        count() < fails ? [] : ['the line broke'],
      );
      const second = await runOn(world, '/store', { executor });
      expect(second.failures.size).toBe(0);
      expect(first.computed + second.computed, `call ${fails}`).toBe(tasks);
      if (count() < fails) calls = 0;
    }
  });
});

describe('a remote', () => {
  it('gives another machine what was computed, without its inputs', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    expect(await runOn(world, '/store', { remote })).toMatchObject({ computed: tasks, told: [] });
    const { computed, records } = await runOn(world, '/other/store', { remote });
    expect(computed).toBe(0);
    expect([...records.values()].every(({ provenance }) => provenance.device === 'here')).toBe(true);
    // and from now on it is there
    expect(await runOn(world, '/other/store')).toMatchObject({ computed: 0, local: tasks });
  });

  it('has a record of each task, and the notes of each family of shards', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    await runOn(world, '/store', { remote });
    const names = [...remote.kept.keys()].map((name) => name.split('/')[0]);
    expect(names.filter((name) => name === 'records')).toHaveLength(tasks);
    expect(names.filter((name) => name === 'shards')).toHaveLength(2);
  });

  it('is not believed: what is another record, or another file, is computed', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    await runOn(world, '/store', { remote });
    const spoil = (kind: string) => {
      const names = [...remote.kept.keys()].filter((name) => name.startsWith(kind));
      const [first] = names;
      const bytes = remote.kept.get(first!)!;
      for (const [i, name] of names.entries())
        remote.kept.set(name, remote.kept.get(names[i + 1] ?? '') ?? bytes);
    };
    spoil('blobs/');
    expect(await runOn(world, '/second', { remote })).toMatchObject({ computed: tasks, told: [] });
    spoil('records/');
    expect(await runOn(world, '/third', { remote })).toMatchObject({ computed: tasks, told: [] });
  });

  it('is told of once where it fails, and what it began to give is computed', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    await runOn(world, '/store', { remote });
    const broken = (machine: Machine): Remote => ({
      ...remote(machine),
      get: async (name, signal) => {
        const content = await remote(machine).get(name, signal);
        if (!content || !name.startsWith('blobs/')) return content;
        return (async function* () {
          for await (const bytes of content) yield bytes.subarray(0, 2);
          throw new Error('reset');
        })();
      },
    });
    const { told, computed } = await runOn(world, '/second', { remote: broken });
    expect(told.map(({ message }) => message)).toEqual(['reset']);
    expect(computed).toBe(tasks);
  });

  it('is silent only while it is waited for, and is asked for little at once', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    await runOn(world, '/store', { remote });
    let [asked, most] = [0, 0];
    const counting = (machine: Machine): Remote => ({
      ...remote(machine),
      get: async (name, signal) => {
        most = Math.max(most, ++asked);
        return remote(machine)
          .get(name, signal)
          .finally(() => asked--);
      },
    });
    // a disk that takes longer for each file than a remote may be silent
    const slow = (machine: Machine): Machine => ({
      ...machine,
      disk: {
        ...machine.disk,
        hash: async (path) => {
          await machine.clock.sleep(20_000);
          return machine.disk.hash(path);
        },
      },
    });
    const { machine } = world.process({ boot: 'slow' });
    const told: Error[] = [];
    const options = { clock: machine.clock, onFailure: (error: Error) => told.push(error) };
    const local = await world.run(openStore('/slow', { machine: slow(machine), filesOf }));
    const store = withRemote(local, counting(machine), options);
    const names = [...remote.kept.keys()].filter((name) => name.startsWith('blobs/'));
    const outputsThere = names.map((name) => ({
      digest: name.slice(6),
      size: remote.kept.get(name)!.length,
    }));
    const missing = Array.from({ length: 100 }, (_, i) => ({ digest: `${i}`.padStart(64, '0'), size: 1 }));
    const paths = await world.run(Promise.all([...outputsThere, ...missing].map((one) => store.blob(one))));
    expect(paths.filter((path) => path !== undefined)).toHaveLength(names.length);
    expect(told).toEqual([]);
    expect(most).toBeLessThanOrEqual(32);
  });

  it('is left alone once it is told to be', async () => {
    const world = begin();
    const { machine } = world.process();
    const hanging: Remote = { has: () => never, get: () => never, put: () => never };
    const told: Error[] = [];
    const local = await world.run(openStore('/store', { machine, filesOf }));
    const store = withRemote(local, hanging, {
      clock: machine.clock,
      onFailure: (error) => told.push(error),
    });
    const asked = store.lookup('0'.repeat(64), {});
    await world.run(machine.clock.sleep(100));
    store.abandon();
    const begun = machine.clock.now();
    expect(await world.run(asked)).toBeUndefined();
    expect(machine.clock.now() - begun).toBeLessThan(100);
    expect(told).toEqual([]);
  });

  it('has no record whose files it has not', async () => {
    const world = begin();
    const remote = memoryRemote(() => 0.4, false);
    const withoutBlobs = (machine: Machine): Remote => {
      const sound = remote(machine);
      return {
        ...sound,
        put: async (name, content, signal) => {
          if (name.startsWith('blobs/')) throw new Error('it is full');
          return sound.put(name, content, signal);
        },
      };
    };
    const { told, computed } = await runOn(world, '/store', { remote: withoutBlobs });
    expect(computed).toBe(tasks);
    expect(told.map(({ message }) => message)).toEqual([expect.stringMatching(/^it is full; \d results/)]);
    expect([...remote.kept.keys()].filter((name) => name.startsWith('records/'))).toEqual([]);
  });

  const silence = async function* () {
    await never;
    yield new Uint8Array();
  };
  /** What a call does that fails: instead of the answer, or with it. */
  const failures: Record<string, (answer: () => Promise<unknown>) => Promise<unknown>> = {
    rejects: async () => {
      throw new Error('no line');
    },
    hangs: () => never,
    'has nothing': async () => undefined,
    'falls silent': async (answer) => ((await answer()) ? silence() : undefined),
    'breaks off': async (answer) =>
      (async function* () {
        yield* ((await answer()) ?? []) as AsyncIterable<Uint8Array>;
        throw new Error('reset');
      })(),
    'never ends': async () =>
      (async function* () {
        for (;;) yield new Uint8Array(1 << 20);
      })(),
  };
  const failing =
    (sound: (machine: Machine) => Remote, fails: number, count: () => number, way: string) =>
    (machine: Machine): Remote => {
      const remote = sound(machine);
      const now = <T>(answer: () => Promise<T>) =>
        count() === fails ? (failures[way]!(answer) as Promise<T>) : answer();
      return {
        has: (...all) => now(() => remote.has(...all)),
        get: (...all) => now(() => remote.get(...all)),
        put: (...all) => now(() => remote.put(...all)),
      };
    };

  it.each(Object.keys(failures))(
    'that %s at any of its calls costs what it would have given, and no more',
    async (way) => {
      for (const reading of [false, true]) {
        let calls = Infinity;
        for (let fails = 1; fails <= calls; fails++) {
          const world = begin();
          const sound = memoryRemote(() => 0.4, false);
          if (reading) await runOn(world, '/elsewhere', { remote: sound });
          let count = 0;
          const remote = failing(sound, fails, () => ++count, way);
          const run = await runOn(world, '/store', { remote });
          const what = `call ${fails}, ${reading ? 'reading' : 'writing'}`;
          expect(run.failures.size, what).toBe(0);
          expect(run.told.length, what).toBeLessThanOrEqual(1);
          expect(run.virtualMs, what).toBeLessThan(10_000);
          expect(await runOn(world, '/store'), what).toMatchObject({ computed: 0 });
          if (count < fails) calls = 0;
        }
        expect(calls).toBe(0);
      }
    },
  );
});
