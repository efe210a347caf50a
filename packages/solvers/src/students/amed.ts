import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { eulerUpdate } from '../methods/euler.js';
import type { Student, Vector } from '../solver.js';
import { placed, placing } from './placement.js';

/**
 * AMED-Solver: an Euler step to the intermediate time, and its slope from there for the whole interval.
 *
 * Two evaluations per interval.
 *
 * - Order 2 for r = ½ and scales of 1 (the midpoint rule in log σ). No memory.
 * - `scaleTime` changes only the σ that the denoiser is told, not the divisor of the slope.
 * - Source: Zhou et al., arXiv:2312.00094.
 */
export const amed: Student<{ readonly x: Vector }> = {
  name: 'amed',
  singleStep: true,
  steered: (predict) => ({
    name: 'amed',
    order: 2,
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const { denoised, sigmaMid, sigmaAsked, scaleDir } = yield* placed(predict, x, sigma, sigmaNext);
      const middle = eulerUpdate(x, slopeAt(x, denoised, sigma), sigma, sigmaMid);
      const slopeMid = slopeAt(middle, (yield* evaluate(middle, sigmaAsked)).denoised, sigmaMid);
      return { x: eulerUpdate(x, slopeMid, sigma, sigmaNext, scaleDir) };
    },
  }),
};

export const amedMethod = steeredMethod({
  name: 'amed',
  elsewhere: { amed_solver: '' },
  ...placing,
  teacher: 'heun',
  make: () => amed,
});
