import {
  type Denoise,
  heun,
  type Observation,
  type Solution,
  type Solver,
  SolverError,
  solve,
  threshold,
} from '@fewstep/solvers';
import { type Configuration, officialSigmas } from './configuration.js';
import { type Golden, mixedError } from './golden.js';

/** Starting noise [n × size], and the number of samples in it. */
export interface Batch {
  readonly latents: Float64Array;
  readonly n: number;
}

export interface TrajectoryCase {
  readonly id: string;
  readonly config: Configuration & { readonly afs: boolean; readonly denoise_to_zero?: boolean };
  readonly nfe: number;
  readonly arrays: Readonly<Record<string, string>>;
  readonly tol: number;
  readonly tol_f64: number;
  readonly official_error?: string;
}

/** The solve that a case describes, from its latents. */
export function solveCase(
  { config }: Pick<TrajectoryCase, 'config'>,
  solver: Solver,
  denoise: Denoise,
  { latents, n }: Batch,
  onEvaluation?: (observation: Observation) => void,
): Promise<Solution> {
  const sigmas = officialSigmas(config);
  return solve({
    keep: 'all',
    solver,
    denoise,
    sigmas,
    n,
    x: latents.map((value) => value * sigmas[0]!),
    afs: config.afs,
    denoiseToZero: config.denoise_to_zero ?? false,
    ...(onEvaluation && { onEvaluation }),
  });
}

/** `time_uniform` in float32 misses a small σ_min by up to 0.7 %; a case's tolerance is made for its trajectory. */
const LEVELS_TOLERANCE = 1e-4;

/** Compares a solution with the official trajectory, its noise levels and its count of evaluations. */
export function compareSolution(golden: Golden, one: TrajectoryCase, { trajectory, nfe }: Solution) {
  if (nfe !== one.nfe) return `costs ${nfe} evaluations, not ${one.nfe}`;
  const { arrays, tol, tol_f64: tolF64 } = one;
  const levels = officialSigmas(one.config);
  return (
    compareBoth(golden, arrays, 't', levels, Math.max(tol, LEVELS_TOLERANCE), tolF64) ??
    compareBoth(golden, arrays, 'inters', join(trajectory), tol, tolF64)
  );
}

/** Compares values with the float32 array of that name and with its double one. */
export function compareBoth(
  golden: Golden,
  arrays: Readonly<Record<string, string>>,
  name: string,
  ours: ArrayLike<number>,
  tol: number,
  tolF64: number,
): string | undefined {
  return (
    compare(name, ours, golden.array(arrays[name]!), tol) ??
    compare(`${name}_f64`, ours, golden.array(arrays[`${name}_f64`]!), tolF64)
  );
}

export function compare(
  name: string,
  ours: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  const error = mixedError(ours, wanted);
  return error <= tolerance ? undefined : `${name} is off by ${error}, allowed ${tolerance}`;
}

export function join(vectors: readonly Float64Array[]): Float64Array {
  return Float64Array.from(vectors.flatMap((vector) => [...vector]));
}

/**
 * Where the official code stops with an error, there is nothing to compare with. What it asserts, ours may refuse too.
 * Otherwise ours must be right.
 */
export async function checkAlone(
  one: TrajectoryCase,
  methods: () => { readonly solver: Solver; readonly euler: Solver },
  denoise: Denoise,
  batch: Batch,
): Promise<string | undefined> {
  let opened: ReturnType<typeof methods>;
  try {
    opened = methods();
  } catch (error) {
    if (error instanceof SolverError && one.official_error?.startsWith('AssertionError')) return undefined;
    throw error;
  }
  return isSane(one, opened, denoise, batch);
}

/**
 * A method of order 1 must be Euler's, and any other must come at least 8 times nearer to the ODE's solution with 16 times
 * the steps, evenly spaced in log σ. Under `predict_x0` the ODE is that of the thresholded denoiser.
 */
export async function isSane(
  one: TrajectoryCase,
  { solver, euler }: { readonly solver: Solver; readonly euler: Solver },
  denoise: Denoise,
  batch: Batch,
): Promise<string | undefined> {
  const end = async (method: Solver, model: Denoise, config: TrajectoryCase['config']) =>
    (await solveCase({ config }, method, model, batch)).x;
  const { config } = one;
  if (config.max_order === 1) {
    const [ours, eulers] = [await end(solver, denoise, config), await end(euler, denoise, config)];
    return compare('order 1 against euler', ours, eulers, 1e-9);
  }
  const even = (numSteps: number) => ({
    ...config,
    num_steps: numSteps,
    schedule_type: 'logsnr',
    afs: false,
    denoise_to_zero: false,
  });
  const clipped: Denoise = async (request) => {
    const { denoised, ...others } = await denoise(request);
    return { ...others, denoised: threshold(denoised, batch.n) };
  };
  // With fewer steps an error is as large as the data, and says nothing of how fast it falls.
  const few = 8;
  const target = await end(heun, config.predict_x0 ? clipped : denoise, even(64 * few));
  const [coarse, fine] = [await end(solver, denoise, even(few)), await end(solver, denoise, even(16 * few))];
  const [before, after] = [mixedError(coarse, target), mixedError(fine, target)];
  return after < before / 8
    ? undefined
    : `does not converge: off by ${before}, and by ${after} with 16 times the steps`;
}
