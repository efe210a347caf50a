import { squaresOf } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readStanding, writeSquares } from './fit-files.js';
import type { fitSquares as kind } from './kinds.js';
import { openBlock } from './open-fit.js';

/** How far off on a block the steps are that are to be tried, or, where there are none, the table as it stands. */
export const run: Run<typeof kind> = async (context) => {
  const { inputs, dir } = context;
  const { state, proposals } = await readStanding(inputs.standing);
  if (state.ended) return { files: { squares: await writeSquares(dir, null) }, meta: {} };
  const { family, block, denoise, view } = await openBlock(context);
  const tables = (proposals.length > 0 ? proposals : [state]).map(({ values }) => family.table(values));
  const found = await squaresOf(tables, block, denoise, view);
  return { files: { squares: await writeSquares(dir, found) }, meta: { calls: found.calls } };
};
