import { SolverError } from '../solver-error.js';

/** @throws SolverError (E_SOLVER) if `maxOrder` is not an integer from 1 to `highest` */
export function checkOrder(method: string, maxOrder: number, highest: number): void {
  if (!(Number.isInteger(maxOrder) && maxOrder >= 1 && maxOrder <= highest))
    throw new SolverError(
      'E_SOLVER',
      `max_order of ${method} must be an integer from 1 to ${highest}; found ${maxOrder}.`,
      { maxOrder, highest },
    );
}
