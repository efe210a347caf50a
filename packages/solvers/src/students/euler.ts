import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { eulerUpdate } from '../methods/euler.js';
import type { Student, Vector } from '../solver.js';
import { placed, placement, placementChoices } from './opening.js';

/**
 * Euler's method with a predictor (AMED-Plugin): two Euler steps, over the intermediate time.
 *
 * Two evaluations per interval. `scaleDir` multiplies the second step.
 *
 * - Order 1. No memory.
 * - Source: Zhou et al., arXiv:2312.00094.
 */
export const eulerStudent: Student<{ readonly x: Vector }> = {
  name: 'euler',
  singleStep: true,
  steered: (predict) => ({
    name: 'euler',
    order: 1,
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const { denoised, sigmaMid, sigmaAsked, scaleDir } = yield* placed(predict, x, sigma, sigmaNext);
      const middle = eulerUpdate(x, slopeAt(x, denoised, sigma), sigma, sigmaMid);
      const slopeMid = slopeAt(middle, (yield* evaluate(middle, sigmaAsked)).denoised, sigmaMid);
      return { x: eulerUpdate(middle, slopeMid, sigmaMid, sigmaNext, scaleDir) };
    },
  }),
};

export const steeredEuler = steeredMethod({
  name: 'euler',
  evaluations: 2,
  options: placementChoices,
  outputs: placement,
  teacher: 'euler',
  make: () => eulerStudent,
});
