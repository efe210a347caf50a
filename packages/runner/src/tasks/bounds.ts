import { boundsOf } from '@fewstep/solvers';
import type { Range, Run } from '@fewstep/taskgraph';
import { writeBounds } from './bounds-file.js';
import type { bounds as kind } from './kinds.js';
import { type ComparedParams, openTargets } from './open-targets.js';

export type BoundsParams = ComparedParams & { readonly seeds: Range };

/** What is left of a table's errors where each sample has numbers of its own. */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs } = context;
  const { table, view, block, denoise } = await openTargets({
    ...context,
    params: { ...params, seeds: [params.seeds] },
    inputs: { ...inputs, targets: [inputs.targets] },
  });
  return writeBounds(context.dir, block, await boundsOf(table, block, denoise, view));
};
