import { type DenoiserInfo, roundSigma } from '@fewstep/models';
import {
  levelsOf,
  type NoiseTable,
  noiseTableOf,
  type Schedule,
  ScheduleError,
  type ScheduleFamily,
  schedules,
  sigmas,
  withDefaults,
} from '@fewstep/schedules';
import {
  type Method,
  methods,
  type Output,
  type Solver,
  type SteeredMethod,
  type Student,
  steered,
  type TableGenerator,
} from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import type { GivenSchedule, SolverConfig } from '../experiment/experiment.js';
import { loadMethod, loadSchedule, type ModuleMethod } from '../modules/load-module.js';
import { beyondTraining, type ModelInfo } from './model-info.js';
import { readSchedule } from './schedule-file.js';

/** Which times, by which method: every task that solves has these parameters. */
export interface SolveParams {
  readonly method: SolverConfig;
  /** Left out where the schedule is an input, found by a search. */
  readonly schedule?: GivenSchedule;
  readonly numSteps: number;
  /** Left out: the model's own. */
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
}

/** What is chosen by files. */
export interface Chosen {
  readonly schedule?: string | undefined;
  readonly method?: string | undefined;
  readonly spacing?: string | undefined;
  readonly generator?: string | undefined;
}

/** The same with what the model says and its data decide, what a search found, and what files of the user's own declare. */
export interface Solve extends Required<SolveParams> {
  readonly declared: {
    readonly method: ModuleMethod | undefined;
    readonly family: ScheduleFamily | undefined;
    readonly generator?: TableGenerator | undefined;
  };
  /** Of a schedule in its times. */
  readonly table: NoiseTable | undefined;
  /** Where the network knows no others, descending, all above 0. */
  readonly solvedAt: readonly number[] | undefined;
}

/**
 * What a task solves, on its model.
 *
 * @throws RunnerError (E_MODEL) where the schedule is in the times of a noise table and the model has none, or there are no
 *   times for the range
 */
export async function solveOn(
  { method, schedule: given, numSteps, ...range }: SolveParams,
  info: ModelInfo,
  inputs: Chosen,
): Promise<Solve> {
  const { sigmaMin = info.sigmaMin, sigmaMax = info.sigmaMax } = range;
  const beyond =
    info.alphasCumprod && beyondTraining({ sigmaMin, sigmaMax }, noiseTableOf(info.alphasCumprod));
  if (beyond) throw new RunnerError('E_MODEL', beyond.sentence, { evidence: { sigmaMin, sigmaMax } });
  const schedule = given ?? (inputs.schedule === undefined ? undefined : await readSchedule(inputs.schedule));
  if (!schedule) throw new Error('a schedule is a parameter or an input');
  // A search goes along the network's levels, which may lie a little beyond the range.
  const found = !given && schedule.type === 'explicit' ? (schedule.sigmas as readonly number[]) : [];
  const family = inputs.spacing === undefined ? undefined : await loadSchedule(inputs.spacing);
  const ours: ScheduleFamily | undefined = family ? undefined : schedules[schedule.type as Schedule['type']];
  const table = ours?.inTimes ? tableOf(info, ours) : undefined;
  return {
    declared: {
      method: inputs.method === undefined ? undefined : await loadMethod(inputs.method),
      family,
      generator: inputs.generator === undefined ? undefined : (await loadMethod(inputs.generator)).generator,
    },
    method: methodOn(method, info),
    schedule,
    table,
    numSteps,
    sigmaMin: Math.min(sigmaMin, ...found),
    sigmaMax: Math.max(sigmaMax, ...found),
    solvedAt: info.solvedAt,
  };
}

/** A method with what the data decide where a spec leaves it out, as whether they are in bounds. */
export function methodOn(method: SolverConfig, { decoder }: Pick<ModelInfo, 'decoder'>): SolverConfig {
  const declared: Readonly<Record<string, Pick<Method, 'options'>>> = { ...steered, ...methods };
  const { [method.solver]: { options } = { options: {} } } = declared;
  const whole = withDefaults(options, method, decoder ? 'latents' : 'pixels');
  const decided = Object.entries(options).filter(([name, option]) => 'defaults' in option && name in whole);
  return { ...method, ...Object.fromEntries(decided.map(([name]) => [name, whole[name] as string])) };
}

function tableOf({ alphasCumprod }: DenoiserInfo, { name }: ScheduleFamily): NoiseTable {
  if (alphasCumprod) return noiseTableOf(alphasCumprod);
  throw new RunnerError(
    'E_MODEL',
    `schedule.type ${name} is in the times of a noise table, and the dataset’s network was trained on none: take polynomial, logsnr or time_uniform.`,
  );
}

type Times = Omit<Solve, 'method'>;

/**
 * Noise levels of the timestamps; `steps` may be finer than the run's own. Of a network that knows some levels alone they
 * are those nearest to the schedule's, as EDM's sampler takes them (arXiv:2206.00364, appendix C.3); never 0.
 *
 * @throws RunnerError (E_MODEL) where two timestamps would be the same level
 */
export function timesOf(times: Times, steps = times.numSteps): Float64Array {
  const wanted = scheduledTimes(times, steps);
  const { solvedAt: noiseLevels } = times;
  if (!noiseLevels) return wanted;
  const known = wanted.map((sigma) => roundSigma(sigma, { noiseLevels }));
  if (known.every((sigma, i) => i === 0 || sigma < known[i - 1]!)) return known;
  throw new RunnerError(
    'E_MODEL',
    `${steps} timestamps of schedule ${times.schedule.type} from ${times.sigmaMax} to ${times.sigmaMin} are closer to each other than the ${noiseLevels.length} noise levels that the dataset’s network knows: take fewer steps, or a schedule that spreads them.`,
    { evidence: { steps, levels: noiseLevels.length } },
  );
}

/**
 * What the schedule says, whatever the network knows: times in the middle of steps.
 *
 * @throws RunnerError (E_SCHEDULE) where no such noise levels exist in the range that the network turned out to have
 */
export function scheduledTimes(
  {
    schedule,
    table,
    numSteps,
    sigmaMin,
    sigmaMax,
    declared: { family },
  }: Omit<Times, 'declared' | 'solvedAt'> & {
    readonly declared: Pick<Times['declared'], 'family'>;
  },
  steps: number,
): Float64Array {
  const span = { numSteps: steps, coarse: numSteps, sigmaMin, sigmaMax };
  try {
    if (family) return levelsOf(family, span, schedule as never, table); // which looks at what it gives
    return sigmas({ ...schedule, ...(table && { table }) } as Schedule, span);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const { code, message: cause } = error;
    throw new RunnerError(
      code,
      `${steps} timestamps of schedule ${schedule.type} from sigma_max ${sigmaMax} to sigma_min ${sigmaMin}: ${cause}`,
      { cause: error, evidence: { steps, sigmaMin, sigmaMax } },
    );
  }
}

/** Noise levels between the timestamps, from the schedule with twice as many intervals. */
export function middlesOf(solving: Times): Float64Array {
  return scheduledTimes(solving, 2 * solving.numSteps - 1).filter((_, i) => i % 2 === 1);
}

/** The plain solver of a method, on a model of that range of noise levels. */
export function solverOf({
  method: { solver, ...options },
  declared,
  sigmaMin,
  sigmaMax,
}: Pick<Solve, 'method' | 'declared' | 'sigmaMin' | 'sigmaMax'>): Solver {
  const method = declared.method?.plain ?? (methods as Readonly<Record<string, Method>>)[solver];
  if (!method) throw new Error(`${solver} has no plain solver`);
  return method.make(withDefaults(method.options, options), { sigmaMin, sigmaMax });
}

/** The student of a method, and what of it a predictor decides. */
export function studentOf({ method: { solver, ...options }, declared }: Pick<Solve, 'method' | 'declared'>): {
  readonly student: Student;
  readonly outputs: readonly Output[];
} {
  const method = declared.method?.student ?? (steered as Readonly<Record<string, SteeredMethod>>)[solver];
  if (!method) throw new Error(`${solver} has no student`);
  const chosen = withDefaults(method.options, options);
  return { student: method.make(chosen), outputs: method.outputs(chosen) };
}
