import type { GraphBuilder, Range, Ref, Shards } from '@fewstep/taskgraph';
import type { GivenSchedule, SamplerConfig } from '../experiment/experiment.js';
import { fitBlock } from '../experiment/schema.js';
import * as kinds from '../tasks/kinds.js';
import type { TargetsParams } from '../tasks/targets.js';
import type { chosenInputs, modelInputs } from './compile.js';

interface PlannedTargets {
  readonly params: Omit<TargetsParams, 'seeds'>;
  readonly inputs: ReturnType<typeof modelInputs> &
    Readonly<Record<keyof ReturnType<typeof chosenInputs>, Ref | undefined>>;
  readonly ranges: readonly Range[];
  readonly batch: number;
}

/** Where a teacher ends from the noise of seeds, in blocks that every training shares. */
export const planTargets = (
  graph: GraphBuilder,
  { method, numSteps, evaluations, afs, denoiseToZero }: SamplerConfig<GivenSchedule>,
  { batch, ...of }: PlannedTargets,
): Shards<typeof kinds.targets> =>
  graph.shards(kinds.targets, {
    title: `targets by ${method.solver}`,
    ...of,
    ...{ size: fitBlock, item: 'seed', hints: { batch } },
    workPerItem: (numSteps - 1) * evaluations - Number(afs) + Number(denoiseToZero),
  });
