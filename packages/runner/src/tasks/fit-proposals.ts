import { proposed, sumOf, sumOfSquares } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readEquations, readSquares, readStanding, writeStanding } from './fit-files.js';
import type { fitProposals as kind } from './kinds.js';

export interface FitProposalsParams {
  /** How much of what the rounds before found counts beside the equations of this one. */
  readonly keep: number;
}

/** What to try, by the equations of all blocks; nothing where the fit has ended. */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const { state } = await readStanding(inputs.standing);
  const next = state.ended
    ? { state, proposals: [] }
    : proposed(
        state,
        sumOf(await readEquations(inputs.equations)),
        params.keep,
        sumOfSquares(await readSquares(inputs.validation)),
      );
  return { files: { standing: await writeStanding(dir, next) }, meta: {} };
};
