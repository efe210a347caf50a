import { readFile } from 'node:fs/promises';
import type { Iteration } from '@fewstep/solvers';
import type { Execution, Shards, Store, Task } from '@fewstep/taskgraph';
import { countOfSeeds } from '../experiment/seeds.js';
import type { PlannedPoint } from '../graph/compile.js';

interface Ran {
  readonly execution: Execution;
  readonly store: Store;
}

/**
 * Samples that the network was asked for where a point trains or searches something: in training, by the teacher that it
 * learns from, on what validates it, and in the search of its schedule. Nothing where nothing is trained, or a part of it is
 * not there.
 */
export async function trainCallsOf(
  { point, schedule, predictor, fit, samples }: PlannedPoint,
  { execution, store }: Ran,
): Promise<number | undefined> {
  const { records, shards: cut } = execution;
  const read = async (task: Task, output: string) => {
    const path = await store.blob(records.get(task)!.outputs[output]!);
    return path === undefined ? undefined : readFile(path, 'utf8');
  };
  /** Evaluations of one sample, as one of these shards counted them; a slice of one counts none. */
  const nfeOf = (shards: Shards) => {
    for (const task of cut.get(shards) ?? [])
      for (const one of [task, ...sourceOf(task)]) {
        const nfe = records.get(one)?.meta.nfe;
        if (nfe !== undefined) return Number(nfe);
      }
    return undefined;
  };
  const callsOf = (inputs: Task['inputs'][string] = []) =>
    inputs.flatMap((input) =>
      'shards' in input ? [timesEach(nfeOf(input.shards), countOfSeeds(input.shards.ranges))] : [],
    );

  const asked: (number | undefined)[] = callsOf(schedule?.inputs.costs);
  if (fit) {
    const file = records.has(fit.sampler) ? await read(fit.sampler, 'sampler') : undefined;
    const { parseSampler } = await import('../sampler/sampler-file.js');
    asked.push(file === undefined ? undefined : parseSampler(file).train!.calls);
  } else if (point.table && !point.predictor) {
    // of a table that nobody trained nothing
    const { train } = point.table.sampler;
    if (train || !predictor) asked.push(train?.calls);
    if (predictor) {
      const calls = records.get(predictor)?.meta.calls;
      asked.push(calls === undefined ? undefined : Number(calls));
      asked.push(...callsOf(predictor.inputs.targets), ...callsOf(predictor.inputs.validation));
    }
  } else if (predictor) {
    const stats = records.has(predictor) ? await read(predictor, 'stats') : undefined;
    const iterations = stats?.trim().split('\n') ?? [];
    const last = iterations.at(-1);
    asked.push(last === undefined ? undefined : (JSON.parse(last) as Iteration).calls);
    asked.push(...callsOf(predictor.inputs.trajectories), ...callsOf(predictor.inputs.validation));
    const validated = point.train ? point.train.validation * iterations.length : 0;
    // samples are solved as validation is, but that this ends without a last evaluation
    if (validated > 0) asked.push(timesEach(nfeOf(samples), validated, Number(point.sampler.denoiseToZero)));
  }
  const known = asked.filter((calls) => calls !== undefined);
  if (known.length === 0 || known.length < asked.length) return undefined;
  return known.reduce((sum, calls) => sum + calls, 0);
}

const timesEach = (nfe: number | undefined, samples: number, less = 0): number | undefined =>
  nfe === undefined ? undefined : (nfe - less) * samples;

/** The shard that a slice is taken of. */
const sourceOf = (task: Task): Task[] =>
  Object.values(task.inputs).flatMap((inputs) =>
    inputs.flatMap((input) => ('task' in input ? [input.task] : [])),
  );
