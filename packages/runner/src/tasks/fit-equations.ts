import { normalEquations } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readStanding, writeEquations } from './fit-files.js';
import type { fitEquations as kind } from './kinds.js';
import { openBlock } from './open-fit.js';

/** The equations of an iteration, on a block. */
export const run: Run<typeof kind> = async (context) => {
  const { inputs, dir } = context;
  const { state } = await readStanding(inputs.standing);
  if (state.ended) return { files: { equations: await writeEquations(dir, null) }, meta: {} };
  const { family, block, denoise, view } = await openBlock(context);
  const found = await normalEquations(family, state.values, block, denoise, view);
  return { files: { equations: await writeEquations(dir, found) }, meta: { calls: found.calls } };
};
