import { SolverError } from '../solver-error.js';

/** @throws SolverError (E_SOLVER) if `found` is none of the choices */
export function checkChoice(method: string, option: string, found: string, choices: readonly string[]): void {
  if (!choices.includes(found))
    throw new SolverError(
      'E_SOLVER',
      `${option} of ${method} must be one of ${choices.join(', ')}; found ${JSON.stringify(found)}.`,
      { [option]: found, choices },
    );
}
