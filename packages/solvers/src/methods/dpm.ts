import { number } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { combine, type Scalar, scalar, slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Sigma, Solver, Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { checkOptions } from './checks.js';
import { eulerUpdate } from './euler.js';

/** The free choice of `dpm`. */
export interface DpmOptions {
  /** Where in log σ the second evaluation lies, from the start (0) to the end (1) of the interval. Default 0.5. */
  readonly r?: number;
}

/** x + scale·(σ' − σ)·(slopeMid/(2r) + (1 − 1/(2r))·slope). */
export function dpmUpdate(
  x: Vector,
  slope: Vector,
  slopeMid: Vector,
  r: Scalar,
  sigma: Sigma,
  sigmaNext: Sigma,
  scale: Scalar = 1,
): Vector {
  const width = scalar((c, from, to) => c! * (to! - from!), scale, sigma, sigmaNext);
  return combine(
    [1, x],
    [scalar((h, r) => h! / (2 * r!), width, r), slopeMid],
    [scalar((h, r) => h! * (1 - 1 / (2 * r!)), width, r), slope],
  );
}

/**
 * DPM-Solver-2 for the probability-flow ODE dx/dσ = (x − D(x; σ)) / σ.
 *
 * Two evaluations per interval: at its start and at σ'^r · σ^(1−r).
 *
 * - Order 2. No memory, so a solve can be split anywhere.
 * - Source: Lu et al., arXiv:2206.00927, Algorithm 4, in terms of σ: exponentials of λ = −log σ become differences.
 *
 * @throws SolverError (E_SOLVER) if r is not in (0, 1)
 */
export function dpm(options: DpmOptions = {}): Solver<{ readonly x: Vector }> {
  checkOptions('dpm', options, { r: 'number' });
  const { r = 0.5 } = options;
  if (!(r > 0 && r < 1))
    throw solverFault(`dpm needs r between 0 and 1; found ${r}. The usual one is 0.5.`, {
      r,
    });
  return {
    name: 'dpm',
    order: 2,
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const slope = slopeAt(x, (yield* evaluate(x, sigma)).denoised, sigma);
      const sigmaMid = sigmaNext ** r * sigma ** (1 - r);
      const middle = eulerUpdate(x, slope, sigma, sigmaMid);
      const slopeMid = slopeAt(middle, (yield* evaluate(middle, sigmaMid)).denoised, sigmaMid);
      return { x: dpmUpdate(x, slope, slopeMid, r, sigma, sigmaNext) };
    },
  };
}

export const dpmMethod = method({
  name: 'dpm',
  elsewhere: { dpm_2: '', dpm2: '', dpm_solver: '', dpm_solver_2: '', k_dpm_2: '' },
  evaluations: 2,
  options: {
    r: number(
      { exclusiveMinimum: 0, exclusiveMaximum: 1 },
      0.5,
      'Place of the middle point in log σ, as a fraction of the step.',
    ),
  },
  make: ({ r }) => dpm({ r }),
});
