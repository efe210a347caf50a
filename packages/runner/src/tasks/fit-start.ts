import { beginFit, checkTable, startOf } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { writeStanding } from './fit-files.js';
import type { fitStart as kind } from './kinds.js';
import { readInfo } from './model-info.js';
import { familyOn } from './open-fit.js';
import { solveOn } from './solving.js';

/** Where a fit begins. */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const info = await readInfo(inputs);
  const family = familyOn(params, await solveOn(params, info, inputs), info);
  checkTable(startOf(family));
  const standing = await writeStanding(dir, { state: beginFit(family), proposals: [] });
  return { files: { standing }, meta: { parameters: family.parameters.length } };
};
