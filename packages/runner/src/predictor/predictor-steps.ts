import { type NoiseTable, noiseTable, noiseTables } from '@fewstep/schedules';
import { fixedSteps, steeringsOfZeros } from '@fewstep/solvers';
import type { NamedDataset } from '../experiment/datasets.js';
import { scheduledTimes } from '../tasks/solving.js';
import type { TrainedPredictor } from './parse-predictor.js';

/** What a predictor decides at a bottleneck of zeros, as lists: levels with those between them, [2·num_steps − 1]. */
export interface PredictorSteps {
  readonly sigmas: readonly number[];
  /** The nearest of the network's discrete times to each, where it has a noise table. */
  readonly timesteps?: readonly number[];
  /** 1 at the timestamps of the schedule. */
  readonly scale_dirs: readonly number[];
  readonly scale_times: readonly number[];
  /** Of each interval. */
  readonly r: readonly number[];
  /** The schedule alone with as many timestamps, which the predictor moves every second one of. */
  readonly original: { readonly sigmas: readonly number[]; readonly timesteps?: readonly number[] };
}

/** A network's noise, as far as a schedule is of it. */
export interface NoiseOf {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  readonly table?: NoiseTable | undefined;
}

/**
 * A predictor's steps without a network.
 *
 * - Time k of M of a noise table is t = (k + 1)/M, so that the nearest to σ is M·t(σ) − 1, rounded.
 *
 * @throws RunnerError E_SCHEDULE, ScheduleError where the range has no such levels
 */
export function stepsOf(
  { settings: { schedule, student }, predictor }: TrainedPredictor,
  { sigmaMin, sigmaMax, table }: NoiseOf,
): PredictorSteps {
  const numSteps = student.num_steps;
  const times = { schedule, table, numSteps, sigmaMin, sigmaMax, declared: { family: undefined } };
  const sigmas = scheduledTimes(times, numSteps);
  const steerings = steeringsOfZeros(predictor, sigmas);
  const steps = fixedSteps(sigmas, steerings);
  const levels = (list: Float64Array) => ({
    sigmas: [...list],
    ...(table && {
      timesteps: Array.from(list, (sigma) =>
        Math.round(table.alphasCumprod.length * table.tOfSigma(sigma) - 1),
      ),
    }),
  });
  return {
    ...levels(steps.sigmas),
    scale_dirs: [...steps.scaleDirs],
    scale_times: [...steps.scaleTimes],
    r: steerings.map(({ r }) => r![0]!),
    original: levels(scheduledTimes(times, 2 * numSteps - 1)),
  };
}

/** The noise that the network of a dataset was trained on, as far as its name tells. */
export function noiseOf({ keys, published }: NamedDataset): Partial<NoiseOf> {
  const { sigma_min: sigmaMin, sigma_max: sigmaMax } = keys;
  const family = published?.files.checkpoint ? published.family : '';
  const tables = { ldm: noiseTables.ldm, 'stable-diffusion': noiseTables.sd };
  const table = Object.hasOwn(tables, family) ? tables[family as keyof typeof tables] : undefined;
  return {
    ...(sigmaMin !== undefined && { sigmaMin }),
    ...(sigmaMax !== undefined && { sigmaMax }),
    ...(table && { table: noiseTable(table) }),
  };
}
