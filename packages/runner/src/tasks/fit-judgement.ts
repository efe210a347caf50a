import { judged, sumOfSquares } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readSquares, readStanding, writeStanding } from './fit-files.js';
import type { fitJudgement as kind } from './kinds.js';

export interface FitJudgementParams {
  /** How large a part of what validates the iteration before must have taken off for another; left out: none. */
  readonly worth?: number;
}

/** Where a fit stands by what validates, and whether there is more to gain. */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const { state } = await readStanding(inputs.standing);
  const next = state.ended
    ? state
    : judged(state, sumOfSquares(await readSquares(inputs.validation)), params.worth);
  return { files: { standing: await writeStanding(dir, { state: next, proposals: [] }) }, meta: {} };
};
