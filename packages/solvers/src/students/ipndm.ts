import { slopeAt } from '../math/vector.js';
import { steeredMethod } from '../method.js';
import { type IpndmOptions, type IpndmState, ipndm, ipndmAdvance, ipndmChoices } from '../methods/ipndm.js';
import type { Student } from '../solver.js';
import { placementChoices, placing } from './placement.js';
import { twoSteps } from './two-steps.js';

/**
 * iPNDM with a predictor: two of its steps.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2, 3 or 4
 */
export const ipndmStudent = ({ maxOrder = 4 }: IpndmOptions = {}): Student<IpndmState> =>
  twoSteps(ipndm({ maxOrder }), (state, denoised, sigma, sigmaNext, _, scale) =>
    ipndmAdvance(state, slopeAt(state.x, denoised, sigma), sigma, sigmaNext, maxOrder, scale),
  );

export const steeredIpndm = steeredMethod({
  name: 'ipndm',
  ...placing,
  options: { ...placementChoices, ...ipndmChoices },
  teacher: 'ipndm',
  make: ({ max_order }) => ipndmStudent({ maxOrder: max_order }),
});
