import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { euler, eulerUpdate } from '../methods/euler.js';
import type { Student, Vector } from '../solver.js';
import { placing } from './placement.js';
import { twoSteps } from './two-steps.js';

/** Euler's method with a predictor: two of its steps, so of order 1 and without memory. */
export const eulerStudent: Student<{ readonly x: Vector }> = twoSteps(
  euler,
  ({ x }, denoised, sigma, sigmaNext, _, scale) => ({
    x: eulerUpdate(x, slopeAt(x, denoised, sigma), sigma, sigmaNext, scale),
  }),
  true,
);

export const steeredEuler = steeredMethod({
  name: 'euler',
  ...placing,
  teacher: 'euler',
  make: () => eulerStudent,
});
