import { energiesOf } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readEnd, writeEnergies } from './fit-files.js';
import type { fitEnergies as kind } from './kinds.js';
import { familyOn } from './open-fit.js';
import { openSolve } from './open-solve.js';
import { targetsOn } from './open-targets.js';

/** Energies of the samples of the table that a fit ends with, and of the teacher's, on a block. */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs, dir } = context;
  const opened = await openSolve(context);
  const { best } = await readEnd(inputs);
  const table = familyOn(params, opened.solving, opened.info).table(best!.values);
  const { block, denoise, view } = await targetsOn(opened, [params.seeds], [inputs.targets], context);
  const found = await energiesOf(table, block, denoise, view, opened.shape);
  return { files: { energies: await writeEnergies(dir, found) }, meta: { calls: found.calls } };
};
