import { evaluate } from '../drive/evaluate.js';
import { steeredMethod } from '../method.js';
import {
  type DpmppOptions,
  type DpmppState,
  dpmpp,
  dpmppAdvance,
  dpmppChoices,
  dpmppOptions,
} from '../methods/dpmpp.js';
import type { Student } from '../solver.js';
import { placed, placement, placementChoices } from './opening.js';

/**
 * DPM-Solver++ with a predictor (AMED-Plugin): two DPM-Solver++ steps, over the intermediate time, that share one history.
 *
 * Two evaluations per interval. `scaleDir` multiplies the model's part of the second step.
 *
 * - Order, options: as `dpmpp`; `lowerOrderFinal` counts the half steps.
 * - Source: Zhou et al., arXiv:2312.00094.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2 or 3
 */
export function dpmppStudent(options: DpmppOptions = {}): Student<DpmppState> {
  const { name, order, init } = dpmpp(options);
  return {
    name,
    singleStep: false,
    steered: (predict) => ({
      name,
      order,
      init,
      *step(state, sigma, sigmaNext, remaining) {
        const { denoised, sigmaMid, sigmaAsked, scaleDir } = yield* placed(
          predict,
          state.x,
          sigma,
          sigmaNext,
        );
        const middle = dpmppAdvance(state, denoised, sigma, sigmaMid, 2 * remaining, options);
        const atMiddle = yield* evaluate(middle.x, sigmaAsked);
        return dpmppAdvance(
          middle,
          atMiddle.denoised,
          sigmaMid,
          sigmaNext,
          2 * remaining - 1,
          options,
          scaleDir,
        );
      },
    }),
  };
}

export const steeredDpmpp = steeredMethod({
  name: 'dpmpp',
  evaluations: 2,
  options: { ...placementChoices, ...dpmppChoices },
  outputs: placement,
  teacher: 'dpmpp',
  make: (chosen) => dpmppStudent(dpmppOptions(chosen)),
});
