import { method } from '../method.js';
import type { Solver } from '../solver.js';
import { adamsBashforthWeights } from './adams-bashforth.js';
import { checkOptions, checkOrder } from './checks.js';
import type { IpndmOptions } from './ipndm.js';
import { ipndmChoices } from './ipndm.js';
import { type MultistepState, multistep } from './multistep.js';

/**
 * iPNDM for steps of any length: Adams–Bashforth with the weights of the grid as it is, its order growing from 1 to
 * maxOrder over the first steps.
 *
 * One evaluation per interval.
 *
 * - Order 2 for maxOrder ≥ 2 (the start is an Euler step), 1 for maxOrder 1, which is Euler's method. A step from an exact
 *   history errs by h^(maxOrder + 1) on any grid; `ipndm` does so on an even one.
 * - The same as `deis` with deisMode `rhoab`.
 * - Source: Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, section III.5; arXiv:2204.13902 for
 *   iPNDM. The official code has another rule for orders 3 and 4, which is not that of the grid.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2, 3 or 4
 */
export function ipndmV(options: IpndmOptions = {}): Solver<MultistepState> {
  checkOptions('ipndm_v', options, { maxOrder: 'number' });
  const { maxOrder = 4 } = options;
  checkOrder('ipndm_v', maxOrder, 4);
  return multistep('ipndm_v', maxOrder, adamsBashforthWeights);
}

export const ipndmVMethod = method({
  name: 'ipndm_v',
  evaluations: 1,
  options: ipndmChoices,
  make: ({ max_order }) => ipndmV({ maxOrder: max_order }),
});
