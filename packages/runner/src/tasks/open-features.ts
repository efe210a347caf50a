import { type Device, type FeatureNetwork, type FeatureResize, openFeatureNetwork } from '@fewstep/models';
import type { ContextOf } from '@fewstep/taskgraph';
import type { features, referenceFeatures } from './kinds.js';
import { lastOpened } from './last-opened.js';

/** What a feature network is told. */
export interface FeatureParams {
  /** How images come to its size, of weights that leave it open; left out: `tensorflow`. */
  readonly resize?: Exclude<FeatureResize, 'tensorflow'>;
}

const keep = lastOpened<FeatureNetwork>();

/** The feature network of a task, on its device, opened once for all tasks of a process that have the same: by its content. */
export const openFeatures = ({
  params,
  inputs: { network },
  digests,
  device,
}: Pick<ContextOf<typeof features> | ContextOf<typeof referenceFeatures>, 'digests' | 'device'> & {
  readonly params: FeatureParams;
  readonly inputs: { readonly network: string };
}): Promise<FeatureNetwork> => {
  const { resize } = params;
  const options = { device: device as Device, ...(resize && { resize }) };
  return keep(`${digests.network} ${resize}`, () => openFeatureNetwork(network, options));
};
