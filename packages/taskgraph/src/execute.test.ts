import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Event, execute } from './execute.js';
import type { Executor, Job } from './executor.js';
import { each, graphBuilder, type Node, output, outputs, outside } from './graph.js';
import { file, kind, many, one, optional, params, type Range } from './kind.js';
import { memoryWorld, type World } from './memory-machine.test.support.js';
import { plan } from './plan.js';
import type { FilesOf } from './store/file-notes.js';
import { openStore, type Store } from './store/store.js';

const none = params<Record<string, never>>();
const run = async () => ({});
const dough = kind({
  name: 'dough',
  revision: 1,
  packages: ['mill'],
  params: none,
  inputs: { flour: one },
  outputs: { dough: file, yeast: optional },
  run,
});
const loaves = kind({
  name: 'loaves',
  revision: 1,
  packages: ['oven'],
  params: params<{ heat: number; items: Range }>(),
  over: 'items',
  inputs: { dough: one, yeast: optional },
  outputs: { bread: file },
  memory: 'A smaller oven needs less.',
  run,
  slice: run,
});
const tastes = kind({
  name: 'tastes',
  revision: 1,
  packages: ['tongue'],
  params: none,
  inputs: { bread: many },
  outputs: { taste: file },
  run,
  slice: run,
});
const verdict = kind({
  name: 'verdict',
  revision: 1,
  packages: ['tongue'],
  params: params<{ strict: boolean }>(),
  inputs: { tastes: many },
  outputs: { value: file },
  run,
});

const versions = { mill: '1.0.0', oven: '1.0.0', tongue: '1.0.0' };
const alone: FilesOf = async (path) => [path.split('/').at(-1)!];

function bakery({ items = 8, heat = 200, strict = false, flour = '/flour' } = {}) {
  const graph = graphBuilder();
  const mixed = graph.task(dough, { title: 'dough', params: {}, inputs: { flour: outside(flour) } });
  const shared = { ranges: [[0, items - 1]] as const, size: 4, item: 'loaf' };
  const baked = graph.shards(loaves, {
    title: 'loaves',
    params: { heat },
    inputs: { dough: output(mixed, 'dough'), yeast: output(mixed, 'yeast') },
    workPerItem: 5,
    ...shared,
  });
  const tasted = graph.shards(tastes, {
    title: 'tastes',
    params: {},
    inputs: { bread: [each(baked, 'bread')] },
    ...shared,
  });
  const told = graph.task(verdict, {
    title: 'verdict',
    params: { strict },
    inputs: { tastes: [outputs(tasted, 'taste')] },
  });
  return { mixed, baked, tasted, told };
}

interface Setup {
  readonly world: World;
  readonly store: Store;
  bake(
    nodes: readonly Node[],
    more?: { with?: (job: Job, text: string) => unknown; at?: typeof versions; device?: string },
  ): Promise<{
    kinds: string[];
    jobs: Job[];
    events: Event[];
    execution: Awaited<ReturnType<typeof execute>>;
  }>;
}
async function setup(): Promise<Setup> {
  const world = memoryWorld(() => 0.3);
  world.write('/flour', 'wheat');
  const { machine } = world.process();
  const store = await world.run(openStore('/store', { machine, filesOf: alone }));
  return {
    world,
    store,
    async bake(nodes, { with: change = () => {}, at = versions, device = 'oven' } = {}) {
      const jobs: Job[] = [];
      const events: Event[] = [];
      const executor: Executor = {
        slots: 2,
        async run(job) {
          jobs.push(job);
          job.onStart();
          const texts: string[] = [];
          for (const input of Object.values(job.inputs).flat())
            texts.push(new TextDecoder().decode(await machine.disk.read(await job.locate(input))));
          const text = `${job.kind.name}(${JSON.stringify(job.params)};${texts.join()})`;
          const said = (await change(job, text)) || text;
          const files: Record<string, string> = {};
          for (const [name, presence] of Object.entries(job.kind.outputs)) {
            if (presence === 'optional') continue;
            files[name] = name;
            await machine.disk.replace(join(job.dir, name), `${name}:${said}`);
          }
          return { files, meta: {}, device };
        },
        close: async () => {},
      };
      const started = execute(nodes, {
        store,
        executor,
        versions: at,
        clock: machine.clock,
        onEvent: (event) => events.push(event),
      });
      const execution = await world.run(started);
      return { kinds: jobs.map((job) => job.kind.name).sort(), jobs, events, execution };
    },
  };
}
const all = ['dough', 'loaves', 'loaves', 'tastes', 'tastes', 'verdict'];

describe('execute', () => {
  it('computes what is not there, once, and finds it the next time', async () => {
    const { bake } = await setup();
    const { told } = bakery();
    expect((await bake([told, told])).kinds).toEqual(all);
    const again = await bake([bakery().told]);
    expect(again.kinds).toEqual([]);
    expect(again.execution).toMatchObject({ computed: 0, local: 6, remote: 0 });
  });

  it('recomputes exactly what a parameter, a version or a file reaches, and stops where it comes out the same', async () => {
    const { bake, world } = await setup();
    await bake([bakery().told]);
    expect((await bake([bakery({ strict: true }).told])).kinds).toEqual(['verdict']);
    const at = { ...versions, tongue: '1.0.1' };
    expect((await bake([bakery().told], { at })).kinds).toEqual(['tastes', 'tastes', 'verdict']);
    expect((await bake([bakery().told], { at: { ...versions, oven: '2.0.0' } })).kinds).toEqual([
      'loaves',
      'loaves',
    ]);
    world.write('/flour', 'rye');
    expect((await bake([bakery().told])).kinds).toEqual(all);
  });

  it('finds everything under another path', async () => {
    const { bake, world } = await setup();
    await bake([bakery({ items: 6 }).told]);
    world.write('/moved/flour', 'wheat');
    const { jobs } = await bake([bakery({ items: 11, flour: '/moved/flour' }).told]);
    expect(
      jobs.filter((job) => job.kind === loaves).map((job) => (job.params as { items: Range }).items),
    ).toEqual([
      [6, 7],
      [8, 10],
    ]);
  });

  it('takes fewer items from what is there, to what they would have come to', async () => {
    const { bake } = await setup();
    await bake([bakery({ items: 8 }).told]);
    const fewer = bakery({ items: 6 });
    expect((await bake([fewer.told])).kinds).toEqual(['tastes.slice', 'verdict']);
    expect((await bake([bakery({ items: 8 }).told])).kinds).toEqual([]);
  });

  it('computes what is asked for alone where the shard that it would be a slice of is lost', async () => {
    const { bake, world } = await setup();
    const { baked } = bakery({ items: 8 });
    const { execution } = await bake([baked]);
    const second = execution.records.get(execution.shards.get(baked)![1]!)!;
    const { digest } = second.outputs.bread!;
    world.drop(`/store/blobs/${digest.slice(0, 2)}/${digest}`);
    const { jobs } = await bake([bakery({ items: 6 }).baked]);
    expect(jobs.map((job) => [job.kind.name, job.params])).toEqual([
      ['loaves', { heat: 200, items: [4, 5] }],
    ]);
  });

  it('takes no slice of what was made of items that came to other bits since', async () => {
    const { bake, world } = await setup();
    const { baked, told } = bakery({ items: 4 });
    const { execution } = await bake([told]);
    const [shard] = execution.shards.get(baked)!;
    const { digest } = execution.records.get(shard!)!.outputs.bread!;
    world.drop(`/store/blobs/${digest.slice(0, 2)}/${digest}`);
    await bake([bakery({ items: 4 }).baked], { with: () => 'another loaf', device: 'stone oven' });
    const { kinds, jobs } = await bake([bakery({ items: 3 }).tasted]);
    expect(kinds).toEqual(['loaves.slice', 'tastes']);
    expect(jobs).toHaveLength(2);
  });

  it('takes slices of what was made of them since', async () => {
    const { bake, world } = await setup();
    const { baked, told } = bakery({ items: 4 });
    const { execution } = await bake([told]);
    const [shard] = execution.shards.get(baked)!;
    const { digest } = execution.records.get(shard!)!.outputs.bread!;
    world.drop(`/store/blobs/${digest.slice(0, 2)}/${digest}`);
    const again = await bake([bakery({ items: 4 }).told], {
      with: ({ kind }) => kind === loaves && 'another',
    });
    expect(again.kinds).toEqual(['loaves', 'tastes', 'verdict']);
    expect((await bake([bakery({ items: 3 }).tasted])).kinds).toEqual(['tastes.slice']);
  });

  it('tells the device in the record, and finds what another one computed', async () => {
    const { bake, store } = await setup();
    const { mixed } = bakery();
    const { execution } = await bake([mixed]);
    const { key } = execution.records.get(mixed)!;
    expect(execution.records.get(mixed)!.provenance.device).toBe('oven');
    expect((await store.lookup(key, dough.outputs))?.source).toBe('local');
    const elsewhere = await bake([bakery().mixed], { device: 'stone oven' });
    expect(elsewhere.kinds).toEqual([]);
  });

  it('keeps nothing of a task whose file was touched while it ran, also where its bytes are the same again', async () => {
    for (const after of ['rye', 'wheat']) {
      const { bake, world } = await setup();
      const { mixed } = bakery();
      const { execution } = await bake([mixed], { with: () => world.write('/flour', after) });
      expect(execution.failures.get(mixed)).toMatchObject({ code: 'E_INPUT_CHANGED' });
      expect(execution.failures.get(mixed)!.message).toContain('/flour');
      expect((await bake([bakery().mixed])).kinds).toEqual(['dough']);
    }
  });

  it('remembers the digest of a file until it is another', async () => {
    const { world, store } = await setup();
    const digest = async () => (await world.run(store.look('/flour'))).digest;
    const first = await digest();
    expect(await digest()).toBe(first);
    world.write('/flour', 'maize');
    expect(await digest()).not.toBe(first);
  });

  it('mends what is damaged while it is read, and reads it anew', async () => {
    const { bake, world } = await setup();
    const { mixed, baked } = bakery({ items: 4 });
    const { execution } = await bake([mixed]);
    const { digest } = execution.records.get(mixed)!.outputs.dough!;
    let spoilt = 0;
    const disturbed = await bake([baked], {
      with: (job, text) => {
        if (job.kind === loaves && spoilt++ === 0)
          world.write(`/store/blobs/${digest.slice(0, 2)}/${digest}`, 'mould');
        return text;
      },
    });
    expect(disturbed.kinds).toEqual(['dough', 'loaves', 'loaves']);
    expect(disturbed.execution.failures.size).toBe(0);
  });

  it('gives up on a store that loses whatever is written to it', async () => {
    const { bake, world } = await setup();
    const { baked } = bakery({ items: 4 });
    const { execution } = await bake([baked], {
      with: (job) => {
        if (job.kind !== loaves) return;
        for (const path of [...world.files.keys()]) if (path.startsWith('/store/blobs/')) world.drop(path);
      },
    });
    expect([...execution.failures.values()][0]).toMatchObject({ code: 'E_STORE_DAMAGED' });
  });

  it('loses only what needs a failed task, and records no failure', async () => {
    const { bake } = await setup();
    const { told } = bakery();
    const no = (job: Job) => {
      if (JSON.stringify(job.params).includes('[4,7]')) throw new Error('no');
    };
    const { execution } = await bake([told], { with: no });
    expect([...execution.failures].map(([{ title }, { message }]) => [title, message])).toEqual([
      ['loaves, loafs 4-7', 'no'],
    ]);
    expect(execution.computed).toBe(3);
    expect((await bake([told])).kinds).toEqual(['loaves', 'tastes', 'verdict']);
  });

  it('says what an input lacks that another task was to give', async () => {
    const { bake } = await setup();
    const graph = graphBuilder();
    const { mixed } = bakery();
    const task = graph.task(dough, {
      title: 'more dough',
      params: {},
      inputs: { flour: output(mixed, 'yeast') },
    });
    const { execution } = await bake([task]);
    expect(execution.failures.get(task)).toMatchObject({ code: 'E_TASK_INPUT' });
  });

  it('names what helps where memory ran out', async () => {
    const { TaskgraphError } = await import('./errors.js');
    const { bake } = await setup();
    const { baked } = bakery({ items: 4 });
    const crash = (outOfMemory: boolean) => (job: Job) => {
      if (job.kind === loaves)
        throw new TaskgraphError('E_TASK_CRASHED', 'it ended.', { evidence: { outOfMemory } });
    };
    const said = async (outOfMemory: boolean) =>
      [...(await bake([baked], { with: crash(outOfMemory) })).execution.failures.values()].map(
        ({ message }) => message,
      );
    expect(await said(true)).toEqual(['it ended. A smaller oven needs less.']);
    expect(await said(false)).toEqual(['it ended.']);
  });

  it('refuses more shards than it can hold, and plans them at once', async () => {
    const { bake, store, world } = await setup();
    await bake([bakery({ items: 4 }).told]);
    const { told } = bakery({ items: 2 ** 32 });
    const { execution } = await bake([told]);
    expect([...execution.failures.values()][0]).toMatchObject({ code: 'E_SHARDS', exitCode: 2 });
    const planned = await world.run(plan([told], { store, versions }));
    expect(planned.map(({ kind, count, found }) => [kind.name, count, found])).toEqual([
      ['dough', 1, true],
      ['loaves', 1, true],
      ['loaves', 2 ** 30 - 1, false],
      ['tastes', 1, true],
      ['tastes', 2 ** 30 - 1, false],
      ['verdict', 1, false],
    ]);
  });
});

describe('plan', () => {
  it('tells how much work that is, whether what it is of is known or not', async () => {
    const { bake, store, world } = await setup();
    const works = async (options: { items: number }) =>
      (await world.run(plan([bakery(options).told], { store, versions }))).map(
        ({ kind, work, found }) => [kind.name, work, found] as const,
      );
    expect((await works({ items: 6 })).find(([name]) => name === 'loaves')).toEqual(['loaves', 30, false]);
    await bake([bakery({ items: 4 }).told]);
    expect((await works({ items: 6 })).filter(([name]) => name === 'loaves')).toEqual([
      ['loaves', 20, true],
      ['loaves', 10, false],
    ]);
  });

  it('tells what would be computed and why, and looks for what made it new only when it is asked', async () => {
    const { bake, store, world } = await setup();
    const reasons = async (at = versions, explain = true, options = { items: 8 }) =>
      (await world.run(plan([bakery(options).told], { store, versions: at, explain }))).map(
        ({ kind, title, count, why }) => [kind.name, title, count, why],
      );
    expect(await reasons()).toEqual([
      ['dough', 'dough', 1, 'no such task was ever run'],
      ['loaves', 'loaves, loafs 0-7', 2, 'waits for dough'],
      ['tastes', 'tastes, loafs 0-7', 2, 'waits for dough'],
      ['verdict', 'verdict', 1, 'waits for dough'],
    ]);
    await bake([bakery().told]);
    expect((await reasons()).map(([, , , why]) => why)).toEqual([undefined, undefined, undefined, undefined]);
    const at = { ...versions, oven: '1.1.0' };
    expect((await reasons(at))[1]).toEqual([
      'loaves',
      'loaves, loafs 0-7',
      2,
      'new: version of oven 1.1.0 (was 1.0.0)',
    ]);
    expect((await reasons(at, false))[1]![3]).toBe('not in the store');
    expect(
      (await reasons(versions, false, { items: 6 })).map(([name, , count, why]) => [name, count, why]),
    ).toEqual([
      ['dough', 1, undefined],
      ['loaves', 1, undefined],
      ['loaves.slice', 1, 'not in the store'],
      ['tastes', 1, undefined],
      ['tastes.slice', 1, 'not in the store'],
      ['verdict', 1, expect.stringMatching(/^waits for tastes/)],
    ]);
  });
});
