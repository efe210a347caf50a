import { accepted, sumOfSquares } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readSquares, readStanding, writeStanding } from './fit-files.js';
import type { fitStep as kind } from './kinds.js';

/** Where a fit stands after its trials. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  const { state, proposals } = await readStanding(inputs.standing);
  const next = state.ended
    ? state
    : accepted(state, proposals, sumOfSquares(await readSquares(inputs.trials)));
  return { files: { standing: await writeStanding(dir, { state: next, proposals: [] }) }, meta: {} };
};
