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

/**
 * What plain JavaScript may hand over: a map of these options, each of its type or left out.
 *
 * @throws SolverError (E_SOLVER) that names the one at fault
 */
export function checkOptions(
  method: string,
  given: unknown,
  options: Readonly<Record<string, 'number' | 'boolean' | 'string'>>,
): void {
  const known = Object.keys(options);
  if (typeof given !== 'object' || given === null)
    throw solverFault(
      `${method} takes its options as a map, of ${known.join(', ')}; found ${String(given)}.`,
      {
        found: given,
      },
    );
  for (const [name, value] of Object.entries(given)) {
    const type = options[name];
    if (type === undefined)
      throw solverFault(`${method} has no option ${name}; it has ${known.join(', ')}.`, {
        [name]: value,
        known,
      });
    if (value !== undefined && typeof value !== type)
      throw solverFault(`${name} of ${method} must be a ${type}; found ${JSON.stringify(value)}.`, {
        [name]: value,
      });
  }
}
