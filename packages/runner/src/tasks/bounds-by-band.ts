import { boundsByBand } from '@fewstep/solvers';
import type { Range, Run } from '@fewstep/taskgraph';
import { writeBounds } from './bounds-file.js';
import type { boundsByBand as kind } from './kinds.js';
import { type ComparedParams, openTargets } from './open-targets.js';

/** `seeds`: in their order; of the first half the rows are learned. */
export type BoundsByBandParams = ComparedParams & { readonly seeds: readonly Range[] };

/** What a last row of bands, one for all samples, would gain. */
export const run: Run<typeof kind> = async (context) => {
  const { table, shape, view, block, denoise } = await openTargets(context);
  return writeBounds(context.dir, block, await boundsByBand(table, shape, block, denoise, view));
};
