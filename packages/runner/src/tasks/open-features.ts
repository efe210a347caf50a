import { type FeatureNetwork, openFeatureNetwork } from '@fewstep/metrics/onnx';
import type { ContextOf } from '@fewstep/taskgraph';
import type { features, referenceFeatures } from './kinds.js';
import { lastOpened } from './last-opened.js';

const keep = lastOpened<FeatureNetwork>();

/** The feature network of a task, opened once for all tasks of a process that have the same: by its content. */
export const openFeatures = ({
  inputs: { network },
  digests,
}: Pick<ContextOf<typeof features> | ContextOf<typeof referenceFeatures>, 'digests'> & {
  readonly inputs: { readonly network: string };
}): Promise<FeatureNetwork> => keep(`${digests.network}`, () => openFeatureNetwork(network));
