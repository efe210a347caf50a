import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Evaluation,
  type Iteration,
  initPredictor,
  iterationOf,
  predict,
  type Solver,
  solve,
  trainEndToEnd,
  trainer,
  trainStep,
  type Vector,
  withMiddles,
} from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import type { SolverConfig, TrainConfig } from '../experiment/experiment.js';
import { formatPredictor } from '../predictor/predictor-file.js';
import { type GuidanceSettings, trainingSettings } from '../predictor/predictor-settings.js';
import { readTensors, tensorOf } from './artifacts.js';
import { batchesOf, scaled } from './batches.js';
import type { predictor as kind } from './kinds.js';
import { type Solve, type SolveParams, scheduledTimes, studentOf, timesOf } from './methods.js';
import { openSolve } from './open-solve.js';

export interface PredictorParams extends SolveParams {
  readonly afs: boolean;
  /** Whose trajectories these are; told by the predictor's file. */
  readonly teacher: SolverConfig;
  readonly M: number;
  /** cfg: of every evaluation; any other is in the graph, and told by the predictor's file. */
  readonly guidance?: GuidanceSettings;
  readonly batch: number;
  readonly lr: number;
  /** Absent: the official loss. */
  readonly lossWeight?: TrainConfig['lossWeight'];
  readonly seed: number;
  /** Seeds of the training images, first and last; those of the trajectories, in their order. */
  readonly seeds: readonly [number, number];
  /** Of images that nothing is trained on; absent: there are none. */
  readonly validation?: readonly [number, number];
}

/** A predictor, trained on the teacher's trajectories in the order of their seeds. */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs, dir, progress } = context;
  const { afs, batch, lr, lossWeight, seed, seeds } = params;
  const { info, solving, batch: batchOf } = await openSolve(context);
  const sigmas = timesOf(solving);
  const { student, outputs } = studentOf(solving);
  const untrained = initPredictor({ seed, outputs });
  const endToEnd = lossWeight === 'end_to_end';
  const training = trainer({
    predictor: endToEnd ? withMiddles(untrained, sigmas, middlesOf(solving)) : untrained,
    lr,
  });
  // What is decoded from latents isn't cut off where they are.
  const range = info.decoder ? {} : { range: [-1, 1] as const };
  const trajectories = trajectoryReader(inputs.trajectories);
  const validate = await validation(context, batchOf, range);
  const log: Iteration[] = [];
  let nfe = 0;
  let calls = 0;
  let seen = 0;
  for (const seedsOfBatch of batchesOf(seeds, batch)) {
    const n = seedsOfBatch.length;
    const { latents, denoise } = batchOf(seedsOfBatch);
    const { points, openings } = await trajectories.next(n);
    const step = {
      trainer: training,
      student,
      n,
      sigmas,
      teacher: [scaled(latents, sigmas[0]!), ...points],
      openings,
      denoise,
      afs,
    };
    const intervals = await (endToEnd
      ? trainEndToEnd({ ...step, ...range, done: seen / (seeds[1] - seeds[0] + 1) })
      : trainStep(step));
    const asked = sum(intervals.map((interval) => interval.nfe));
    nfe += asked;
    calls += asked * n;
    const loss = endToEnd ? intervals.at(-1)!.loss : sum(intervals.map((interval) => interval.loss));
    const validated = validate && (await validate(student.steered(predict(training.predictor)), sigmas));
    log.push(
      iterationOf({
        iteration: log.length + 1,
        calls,
        loss,
        ...(validated !== undefined && { validation_loss: validated }),
        intervals,
        n,
      }),
    );
    progress((seen += n) * sigmas.length);
  }
  await writeFile(join(dir, 'log.json'), `${JSON.stringify(log)}\n`);
  const file = formatPredictor(training.predictor, trainingSettings({ ...params, ...solving }));
  await writeFile(join(dir, 'predictor.safetensors'), file);
  return {
    files: { predictor: 'predictor.safetensors', log: 'log.json' },
    meta: { nfe, images: seen },
  };
};

/** Noise levels between the timestamps, from the schedule with twice as many intervals. */
function middlesOf(solving: Solve): Float64Array {
  return scheduledTimes(solving, 2 * solving.numSteps - 1).filter((_, i) => i % 2 === 1);
}

/** Gives a student's loss where it ends, on the seeds that nothing is trained on; undefined where there are none. */
async function validation(
  { params: { validation: seeds, batch, afs }, inputs }: Parameters<Run<typeof kind>>[0],
  batchOf: Awaited<ReturnType<typeof openSolve>>['batch'],
  { range: [low, high] = [-Infinity, Infinity] }: { readonly range?: readonly [number, number] },
): Promise<((student: Solver, sigmas: Float64Array) => Promise<number>) | undefined> {
  if (!seeds) return undefined;
  const seen = (value: number) => Math.min(high, Math.max(low, value));
  const trajectories = trajectoryReader(inputs.validation);
  const batches: { readonly seeds: readonly number[]; readonly target: Vector }[] = [];
  for (const some of batchesOf(seeds, batch))
    batches.push({ seeds: some, target: (await trajectories.next(some.length)).points.at(-1)! });
  return async (student, sigmas) => {
    let total = 0;
    for (const { seeds: some, target } of batches) {
      const { latents, denoise } = batchOf(some);
      const start = scaled(latents, sigmas[0]!);
      const { x } = await solve({ solver: student, x: start, n: some.length, sigmas, afs, denoise });
      x.forEach((value, i) => {
        total += (seen(value) - seen(target[i]!)) ** 2;
      });
    }
    return total / (seeds[1] - seeds[0] + 1);
  };
}

/** One batch of trajectories: each list by interval. */
interface Batch {
  /** Where each interval ends, [n × size]. */
  readonly points: readonly Vector[];
  /** The network's answers where each begins. */
  readonly openings: readonly Evaluation[];
}

/** Reads batches that may span shards, holding one shard at a time. */
function trajectoryReader(paths: readonly string[]): { next(n: number): Promise<Batch> } {
  let shard = 0;
  let at = 0;
  let tensors: Awaited<ReturnType<typeof readTensors>> | undefined;
  return {
    async next(n) {
      const taken: Batch[] = [];
      for (let missing = n; missing > 0; ) {
        tensors ??= await readTensors(paths[shard]!);
        const [intervals = 0, count = 0] = tensorOf(tensors, 'x', 'F32').shape;
        const end = Math.min(count, at + missing);
        const part = (name: string, k: number) => {
          const { data } = tensorOf(tensors!, name, 'F32');
          const size = data.length / (intervals * count);
          return Float64Array.from(data.subarray((k * count + at) * size, (k * count + end) * size));
        };
        const each = Array.from({ length: intervals }, (_, k) => k);
        taken.push({
          points: each.map((k) => part('x', k)),
          openings: each.map((k) => ({ denoised: part('denoised', k), bottleneck: part('bottleneck', k) })),
        });
        missing -= end - at;
        at = end;
        if (at === count) {
          shard++;
          at = 0;
          tensors = undefined;
        }
      }
      return taken.length === 1 ? taken[0]! : joined(taken);
    },
  };
}

function joined(batches: readonly Batch[]): Batch {
  const first = batches[0]!;
  return {
    points: first.points.map((_, k) => concat(batches.map(({ points }) => points[k]!))),
    openings: first.openings.map((_, k) => ({
      denoised: concat(batches.map(({ openings }) => openings[k]!.denoised)),
      bottleneck: concat(batches.map(({ openings }) => openings[k]!.bottleneck!)),
    })),
  };
}

function concat(parts: readonly Vector[]): Vector {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
