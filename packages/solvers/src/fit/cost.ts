import { startOf, type TableFamily } from '../generators/generator.js';
import { TRIAL_BLOCKS, TRIALS } from './fit.js';
import { isSameRow } from './side-by-side.js';

/** Samples that a fit asks the network for, of one image: for plans and progress alone, what is reported is counted. */
export interface FitCost {
  /** Of a table: where it is validated, or sampled with. */
  readonly evaluations: number;
  /** Of the equations of a round, all parameters moved by themselves. */
  readonly equations: number;
  /** Of the steps that a round tries, and of where it stands: of a step what comes after the first number that is free. */
  readonly trials: number;
  /** Blocks of a round that its steps are tried on, at most. */
  readonly trialBlocks: number;
}

/** What fitting a family of tables costs: a parameter that moves row k, or the noise level there, what comes after it. */
export function costOf(family: TableFamily): FitCost {
  const start = startOf(family);
  const values = family.parameters.map((parameter) => parameter.start);
  const evaluations = start.sigmas.length;
  const moved = family.parameters.map(({ step }, p) => {
    const table = family.table(values.map((value, i) => (i === p ? value + step : value)));
    const first = start.sigmas.findIndex((_, k) => !isSameRow(start, table, k));
    return first < 0 ? 0 : evaluations - first;
  });
  return {
    evaluations,
    equations: moved.reduce((sum, calls) => sum + calls, evaluations),
    trials: evaluations + TRIALS.length * Math.max(0, ...moved),
    trialBlocks: TRIAL_BLOCKS,
  };
}
