import { evaluate } from '../drive/evaluate.js';
import { add, axpy, slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Solver, Vector } from '../solver.js';
import { eulerUpdate } from './euler.js';

/**
 * Heun's method for the probability-flow ODE dx/dσ = (x − D(x; σ)) / σ.
 *
 * Two evaluations per interval.
 *
 * - Order 2. No memory, so a solve can be split anywhere.
 * - Source: Karras et al., arXiv:2206.00364, Algorithm 2 with S_churn = 0. σ_min is above 0 here, so no interval ends
 *   in an Euler step.
 */
export const heun: Solver<{ readonly x: Vector }> = {
  name: 'heun',
  order: 2,
  init: (x) => ({ x }),
  *step({ x }, sigma, sigmaNext) {
    const slope = slopeAt(x, (yield* evaluate(x, sigma)).denoised, sigma);
    const end = eulerUpdate(x, slope, sigma, sigmaNext);
    const slopeNext = slopeAt(end, (yield* evaluate(end, sigmaNext)).denoised, sigmaNext);
    return { x: axpy((sigmaNext - sigma) / 2, add(slope, slopeNext), x) };
  },
};

export const heunMethod = method({
  name: 'heun',
  elsewhere: { edm: '', k_heun: '', heun_discrete: '' },
  evaluations: 2,
  options: {},
  make: () => heun,
});
