import { type FeatureNetwork, openFeatureNetwork } from '@fewstep/metrics';
import { keepLast } from './keep-last.js';

const keep = keepLast<FeatureNetwork>();

/** The feature network of a task, opened once for all tasks of a process that have the same: by its content. */
export function openFeatures({
  inputs: { network },
  digests,
}: {
  readonly inputs: { readonly network: string };
  readonly digests?: Readonly<Record<string, readonly string[]>>;
}): Promise<FeatureNetwork> {
  const [digest] = digests?.network ?? [];
  // without a digest nothing says whether the file is still the same
  return digest === undefined ? openFeatureNetwork(network) : keep(digest, () => openFeatureNetwork(network));
}
