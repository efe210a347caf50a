import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { type IpndmOptions, type IpndmState, ipndm, ipndmAdvance, ipndmChoices } from '../methods/ipndm.js';
import type { Student } from '../solver.js';
import { placed, placement, placementChoices } from './opening.js';

/**
 * iPNDM with a predictor (AMED-Plugin): two iPNDM steps, over the intermediate time, that share one history.
 *
 * Two evaluations per interval. `scaleDir` multiplies the second step.
 *
 * - Order, options: as `ipndm`.
 * - Source: Zhou et al., arXiv:2312.00094.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2, 3 or 4
 */
export function ipndmStudent({ maxOrder = 4 }: IpndmOptions = {}): Student<IpndmState> {
  const { name, order, init } = ipndm({ maxOrder });
  return {
    name,
    singleStep: false,
    steered: (predict) => ({
      name,
      order,
      init,
      *step(state, sigma, sigmaNext) {
        const { denoised, sigmaMid, sigmaAsked, scaleDir } = yield* placed(
          predict,
          state.x,
          sigma,
          sigmaNext,
        );
        const middle = ipndmAdvance(state, slopeAt(state.x, denoised, sigma), sigma, sigmaMid, maxOrder);
        const slopeMid = slopeAt(middle.x, (yield* evaluate(middle.x, sigmaAsked)).denoised, sigmaMid);
        return ipndmAdvance(middle, slopeMid, sigmaMid, sigmaNext, maxOrder, scaleDir);
      },
    }),
  };
}

export const steeredIpndm = steeredMethod({
  name: 'ipndm',
  evaluations: 2,
  options: { ...placementChoices, ...ipndmChoices },
  outputs: placement,
  teacher: 'ipndm',
  make: ({ max_order }) => ipndmStudent({ maxOrder: max_order }),
});
