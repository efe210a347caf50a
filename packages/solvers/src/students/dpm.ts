import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { dpmUpdate } from '../methods/dpm.js';
import { eulerUpdate } from '../methods/euler.js';
import type { Student, Vector } from '../solver.js';
import { placed, placing } from './placement.js';

/**
 * DPM-Solver-2 with a predictor (AMED-Plugin): its r is the predictor's.
 *
 * Two evaluations per interval. `scaleDir` multiplies the whole update.
 *
 * - Order 2. No memory.
 * - Source: Zhou et al., arXiv:2312.00094.
 */
export const dpmStudent: Student<{ readonly x: Vector }> = {
  name: 'dpm',
  singleStep: true,
  steered: (predict) => ({
    name: 'dpm',
    order: 2,
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const { denoised, r, sigmaMid, sigmaAsked, scaleDir } = yield* placed(predict, x, sigma, sigmaNext);
      const slope = slopeAt(x, denoised, sigma);
      const middle = eulerUpdate(x, slope, sigma, sigmaMid);
      const slopeMid = slopeAt(middle, (yield* evaluate(middle, sigmaAsked)).denoised, sigmaMid);
      return { x: dpmUpdate(x, slope, slopeMid, r, sigma, sigmaNext, scaleDir) };
    },
  }),
};

export const steeredDpm = steeredMethod({
  name: 'dpm',
  ...placing,
  teacher: 'dpm',
  make: () => dpmStudent,
});
