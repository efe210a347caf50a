import { solverFault } from '../solver-error.js';

/** @throws SolverError (E_SOLVER) if `maxOrder` is not an integer from 1 to `highest` */
export function checkOrder(method: string, maxOrder: number, highest: number): void {
  if (!(Number.isInteger(maxOrder) && maxOrder >= 1 && maxOrder <= highest))
    throw solverFault(`max_order of ${method} must be an integer from 1 to ${highest}; found ${maxOrder}.`, {
      maxOrder,
      highest,
    });
}

/** @throws SolverError (E_SOLVER) if `found` is none of the choices */
export function checkChoice(method: string, option: string, found: string, choices: readonly string[]): void {
  if (!choices.includes(found))
    throw solverFault(
      `${option} of ${method} must be one of ${choices.join(', ')}; found ${JSON.stringify(found)}.`,
      { [option]: found, choices },
    );
}
