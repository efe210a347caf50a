import { type Denoise, heun, type Observation, type Solution, type Solver, solve } from '@fewstep/solvers';
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

/** Compares a solution with the official trajectory, its count of evaluations included. */
export function compareSolution(golden: Golden, one: TrajectoryCase, { trajectory, nfe }: Solution) {
  if (nfe !== one.nfe) return `costs ${nfe} evaluations, not ${one.nfe}`;
  return compareBoth(golden, one.arrays, 'inters', join(trajectory), one.tol, one.tol_f64);
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
 * Where the official code stops with an error, there is nothing to compare with: a method of order 1 must be Euler's, and
 * any other must come at least 8 times nearer to the ODE's solution with 16 times the steps.
 */
export async function isSane(
  one: TrajectoryCase,
  { solver, euler }: { readonly solver: Solver; readonly euler: Solver },
  denoise: Denoise,
  batch: Batch,
): Promise<string | undefined> {
  const end = async (method: Solver, numSteps: number) => {
    const config = { ...one.config, num_steps: numSteps };
    return (await solveCase({ config }, method, denoise, batch)).x;
  };
  const { num_steps: numSteps, max_order: maxOrder } = one.config;
  if (maxOrder === 1)
    return compare('order 1 against euler', await end(solver, numSteps), await end(euler, numSteps), 1e-9);
  // With fewer steps an error is as large as the data, and says nothing of how fast it falls.
  const few = Math.max(8, numSteps);
  const target = await end(heun, 64 * few);
  const [coarse, fine] = [await end(solver, few), await end(solver, 16 * few)];
  const [before, after] = [mixedError(coarse, target), mixedError(fine, target)];
  return after < before / 8
    ? undefined
    : `does not converge: off by ${before}, and by ${after} with 16 times the steps`;
}
