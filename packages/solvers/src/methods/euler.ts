import { evaluate } from '../drive/evaluate.js';
import { axpy, type Scalar, scalar, slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Sigma, Solver, Vector } from '../solver.js';

/** x + scale·(σ' − σ)·slope. */
export function eulerUpdate(
  x: Vector,
  slope: Vector,
  sigma: Sigma,
  sigmaNext: Sigma,
  scale: Scalar = 1,
): Vector {
  return axpy(
    scalar((c, from, to) => c! * (to! - from!), scale, sigma, sigmaNext),
    slope,
    x,
  );
}

/**
 * Euler's method for the probability-flow ODE dx/dσ = (x − D(x; σ)) / σ; the same as DDIM.
 *
 * One evaluation per interval.
 *
 * - Order 1. No memory, so a solve can be split anywhere.
 * - Source: Karras et al., arXiv:2206.00364, eq. 1 with σ(t) = t; DDIM: arXiv:2010.02502.
 */
export const euler: Solver<{ readonly x: Vector }> = {
  name: 'euler',
  order: 1,
  init: (x) => ({ x }),
  *step({ x }, sigma, sigmaNext) {
    const slope = slopeAt(x, (yield* evaluate(x, sigma)).denoised, sigma);
    return { x: eulerUpdate(x, slope, sigma, sigmaNext) };
  },
};

export const eulerMethod = method({
  name: 'euler',
  elsewhere: { ddim: '', euler_discrete: '', k_euler: '', dpm_solver_1: '' },
  evaluations: 1,
  options: {},
  make: () => euler,
});
