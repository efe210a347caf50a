import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { graphBuilder, optionalOutput, output } from '../graph/builder.js';
import type { Task } from '../graph/task.js';
import { openStore, type Store } from '../store/store.js';
import { type Event, execute } from './execute.js';
import type { Executor, Job } from './executor.js';
import { plan } from './plan.js';

const versions = { schedules: '1.0.0', solvers: '1.0.0', models: '1.0.0', metrics: '1.0.0' };
let dir: string;
let store: Store;
let checkpoint: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-execute-'));
  store = await openStore(join(dir, 'store'));
  checkpoint = join(dir, 'checkpoint.pkl');
  await writeFile(checkpoint, 'weights');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Computes in this process: each output is a text made of the kind, the parameters and the inputs' contents. */
function textExecutor(compute: (job: Job, text: string) => string = (_, text) => text, ms = 0) {
  const jobs: Job[] = [];
  const executor: Executor = {
    device: { type: 'tfjs', backend: 'wasm' },
    async run(job) {
      jobs.push(job);
      job.onStart();
      await sleep(ms);
      const contents = await Promise.all(
        Object.values(job.inputs)
          .flat()
          .map((path) => readFile(path, 'utf8')),
      );
      const text = compute(job, `${job.kind}(${JSON.stringify(job.params)};${contents.join()})`);
      const files: Record<string, string> = {};
      for (const name of ['graph', 'info', 'trajectories', 'images', 'features', 'moments', 'value', 'png']) {
        files[name] = join(job.dir, name);
        await writeFile(files[name], `${name}:${text}`);
      }
      return { files, meta: {} };
    },
    slots: 1,
    close: async () => {},
  };
  return { executor, jobs, kinds: () => jobs.map(({ kind }) => kind).sort() };
}

function smallGraph(params: { seeds?: number; k?: number } = {}, at = versions) {
  const graph = graphBuilder({ versions: at, shards: (family) => store.shards(family) });
  const denoiser = graph.task('denoiser', 'denoiser', {
    params: {},
    inputs: { checkpoint: [{ file: checkpoint }] },
  });
  const samples = graph.sharded('samples', 'samples', {
    params: { solver: 'euler' },
    inputs: { graph: [output(denoiser, 'graph')] },
    seeds: [[0, (params.seeds ?? 8) - 1]],
    batch: 1,
    workPerImage: 5,
  });
  const features = samples.map((shard) =>
    graph.task('features', 'features', { params: {}, inputs: { images: [output(shard, 'images')] } }),
  );
  const score = graph.task('prdc', 'prdc', {
    params: { k: params.k ?? 5 },
    inputs: { features: features.map((task) => output(task, 'features')) },
  });
  return { denoiser, samples, score };
}

function shardsOf(jobs: readonly Job[]): (readonly [number, number])[] {
  return jobs
    .filter(({ kind }) => kind === 'samples')
    .map(({ params }) => (params as { seeds: readonly [number, number] }).seeds)
    .sort((a, b) => a[0] - b[0]);
}

async function run(tasks: readonly Task[], { executor }: { executor: Executor }, at = versions) {
  const events: Event[] = [];
  const execution = await execute(tasks, {
    store,
    executor,
    versions: at,
    onEvent: (event) => events.push(event),
  });
  return { ...execution, events };
}

describe('execute', () => {
  it('computes what is not there, once, and finds it the next time', async () => {
    const first = textExecutor();
    const { score } = smallGraph();
    await run([score, score], first);
    expect(first.kinds()).toEqual(['denoiser', 'features', 'features', 'prdc', 'samples', 'samples']);
    const second = textExecutor();
    const { computed, local } = await run([smallGraph().score], second);
    expect(second.jobs).toEqual([]);
    expect({ computed, local }).toEqual({ computed: 0, local: 6 });
  });

  it('tells the device in the record, and finds what another one computed', async () => {
    const { denoiser } = smallGraph();
    const { records } = await run([denoiser], textExecutor());
    expect(records.get(denoiser)!.provenance.device).toEqual({ type: 'tfjs', backend: 'wasm' });
    const elsewhere = textExecutor();
    const { local } = await run([smallGraph().denoiser], {
      executor: { ...elsewhere.executor, device: { type: 'cpu' } },
    });
    expect({ local, jobs: elsewhere.jobs }).toEqual({ local: 1, jobs: [] });
  });

  it('computes the added seeds only', async () => {
    await run([smallGraph({ seeds: 6 }).score], textExecutor());
    const more = textExecutor();
    await run([smallGraph({ seeds: 12 }).score], more);
    expect(shardsOf(more.jobs)).toEqual([
      [6, 7],
      [8, 11],
    ]);
    expect(more.kinds()).toEqual(['features', 'features', 'prdc', 'samples', 'samples']);
  });

  it('recomputes exactly what a parameter or a version reaches', async () => {
    await run([smallGraph().score], textExecutor());
    const other = textExecutor();
    await run([smallGraph({ k: 3 }).score], other);
    expect(other.kinds()).toEqual(['prdc']);
    const bumped = { ...versions, metrics: '1.0.1' };
    const upgraded = textExecutor();
    await run([smallGraph({}, bumped).score], upgraded, bumped);
    expect(upgraded.kinds()).toEqual(['features', 'features', 'prdc']);
  });

  it('stops where a recomputed input comes out the same', async () => {
    await run([smallGraph().score], textExecutor());
    const bumped = { ...versions, solvers: '2.0.0' };
    const upgraded = textExecutor();
    await run([smallGraph({}, bumped).score], upgraded, bumped);
    expect(upgraded.kinds()).toEqual(['samples', 'samples']);
  });

  it('notices a changed file from outside', async () => {
    await run([smallGraph().score], textExecutor());
    await writeFile(checkpoint, 'other weights');
    const again = textExecutor();
    await run([smallGraph().score], again);
    expect(again.kinds()).toEqual(['denoiser', 'features', 'features', 'prdc', 'samples', 'samples']);
  });

  it('loses only what needs a failed task, and records no failure', async () => {
    const failing = textExecutor((job, text) => {
      if (job.kind === 'samples' && JSON.stringify(job.params).includes('[4,7]')) throw new Error('no');
      return text;
    });
    const { score } = smallGraph();
    const { failures, computed } = await run([score], failing);
    expect([...failures].map(([task, { message }]) => [task.title, message])).toEqual([
      ['samples, seeds 4-7', 'no'],
    ]);
    expect(computed).toBe(3); // denoiser, the first shard and its features
    const second = textExecutor();
    await run([score], second);
    expect(second.kinds()).toEqual(['features', 'prdc', 'samples']);
  });

  it('computes a damaged input again before it is read', async () => {
    const { samples, score } = smallGraph();
    const { records } = await run([...samples], textExecutor());
    const damaged = store.pathOf(records.get(samples[0]!)!.outputs.images!);
    await chmod(damaged, 0o644);
    await writeFile(damaged, 'x'.repeat((await readFile(damaged)).length));
    store = await openStore(join(dir, 'store'));
    const mending = textExecutor();
    const { failures } = await run([score], mending);
    expect(failures.size).toBe(0);
    expect(mending.kinds()).toEqual(['features', 'features', 'prdc', 'samples']);
  });

  it('mends a damaged result that is asked for itself', async () => {
    const { score } = smallGraph();
    const { records } = await run([score], textExecutor());
    const damaged = store.pathOf(records.get(score)!.outputs.value!);
    const whole = await readFile(damaged, 'utf8');
    await chmod(damaged, 0o644);
    await writeFile(damaged, 'x'.repeat(whole.length));
    store = await openStore(join(dir, 'store'));
    const mending = textExecutor();
    const { computed, local } = await run([smallGraph().score], mending);
    expect(mending.kinds()).toEqual(['prdc']);
    expect({ computed, local }).toEqual({ computed: 1, local: 5 });
    expect(await readFile(damaged, 'utf8')).toBe(whole);
  });

  it('computes what many need and is lost once', async () => {
    const { denoiser } = smallGraph();
    const { records } = await run([denoiser], textExecutor());
    const damaged = store.pathOf(records.get(denoiser)!.outputs.graph!);
    await chmod(damaged, 0o644);
    await writeFile(damaged, 'x'.repeat((await readFile(damaged)).length));
    store = await openStore(join(dir, 'store'));
    const mending = textExecutor();
    const { failures } = await run(smallGraph({ seeds: 40 }).samples, mending);
    expect(failures.size).toBe(0);
    expect(mending.kinds()).toEqual(['denoiser', ...Array(10).fill('samples')]);
  });

  it('keeps nothing of a task whose file changed while it ran', async () => {
    const { denoiser } = smallGraph();
    const { executor } = textExecutor();
    const disturbed: Executor = {
      ...executor,
      async run(job) {
        const result = await executor.run(job);
        await writeFile(checkpoint, 'other weights');
        return result;
      },
    };
    const { failures, computed } = await run([denoiser], { executor: disturbed });
    expect(computed).toBe(0);
    expect(failures.get(denoiser)).toMatchObject({ code: 'E_INPUT_CHANGED' });
    expect(failures.get(denoiser)!.message).toContain(checkpoint);
    const again = textExecutor();
    await run([smallGraph().denoiser], again);
    expect(again.kinds()).toEqual(['denoiser']);
  });

  it('fails only what reads a file that is gone', async () => {
    const { denoiser, score } = smallGraph();
    await rm(checkpoint);
    const { failures } = await run([score], textExecutor());
    expect([...failures.keys()]).toEqual([denoiser]);
    expect(failures.get(denoiser)).toMatchObject({ code: 'E_FILE' });
  });

  it('ends its waiting for another run when it is told to', async () => {
    const { denoiser } = smallGraph();
    const [key] = (await run([denoiser], textExecutor())).records.values();
    await store.forget(key!.key);
    const other = await openStore(join(dir, 'store'));
    const lease = await other.lease(key!.key);
    const interruption = new AbortController();
    const { executor } = textExecutor();
    const waiting = execute([denoiser], {
      store,
      executor,
      versions,
      signal: interruption.signal,
      onEvent: ({ type }) => type === 'waiting' && interruption.abort(),
    });
    expect((await waiting).records.size).toBe(0);
    await lease!.release();
  });

  it('lets two runs on one store share the work', async () => {
    const { score } = smallGraph({ seeds: 20 });
    const slowly = () => textExecutor(undefined, 100);
    const [one, two] = [slowly(), slowly()];
    const other = await openStore(join(dir, 'store'));
    await Promise.all([
      run([score], one),
      execute([score], { store: other, executor: two.executor, versions }),
    ]);
    expect(one.jobs.length + two.jobs.length).toBe(1 + 5 + 5 + 1);
    // A run holds only the task that it computes: the other takes the next.
    expect(Math.min(one.jobs.length, two.jobs.length)).toBeGreaterThan(1);
  });
});

describe('plan', () => {
  it('tells what would be computed and why', async () => {
    const reasons = async (tasks: readonly Task[], at = versions) =>
      (await plan(tasks, { store, versions: at })).map(({ task, why }) => [task.kind, why]);
    const { denoiser, samples } = smallGraph({ seeds: 4 });
    expect(await reasons([denoiser, ...samples])).toEqual([
      ['denoiser', 'no such task was ever run'],
      ['samples', 'waits for denoiser'],
    ]);
    await run(samples, textExecutor());
    expect(await reasons([denoiser, ...samples])).toEqual([
      ['denoiser', undefined],
      ['samples', undefined],
    ]);
    const bumped = { ...versions, solvers: '1.1.0' };
    const next = smallGraph({ seeds: 4 }, bumped);
    expect(await reasons([next.denoiser, ...next.samples], bumped)).toEqual([
      ['denoiser', undefined],
      ['samples', 'new: version of solvers 1.1.0 (was 1.0.0)'],
    ]);
  });
});

describe('an output that only some results have', () => {
  const graph = (name: string) => {
    const builder = graphBuilder({ versions, shards: () => [] });
    const denoiser = builder.task('denoiser', 'denoiser', {
      params: {},
      inputs: { checkpoint: [{ file: checkpoint }] },
    });
    const inputs = { graph: [output(denoiser, 'graph')], more: [optionalOutput(denoiser, name)] };
    return builder.task('features', 'features', { params: {}, inputs });
  };

  it('is an input where it is there, and no part of the key where it is not', async () => {
    const { executor, jobs } = textExecutor();
    const { records } = await run([graph('absent')], { executor });
    expect(Object.keys(jobs[1]!.inputs)).toEqual(['graph', 'more']);
    expect(jobs[1]!.inputs.more).toEqual([]);
    expect(Object.keys([...records.values()][1]!.components.inputs)).toEqual(['graph']);

    await run([graph('moments')], { executor });
    expect(jobs).toHaveLength(3);
    expect(await readFile(jobs[2]!.inputs.more![0]!, 'utf8')).toMatch(/^moments:/);
  });

  it('changes no identity within the graph', () => {
    expect(graph('absent').id).toBe(graph('moments').id);
  });
});
