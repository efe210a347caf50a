import { join, resolve } from 'node:path';
import { withDefaults } from '@fewstep/schedules';
import type { Surroundings } from './datasets.js';
import type { DatasetConfig, FitConfig } from './experiment.js';
import { featureNetworks } from './published-models.js';
import { featureLossKeys, fitChoices, type Spec } from './schema.js';

/** Whether the training of a table is one on features. */
export const isOnFeatures = ({ train }: Pick<Spec, 'train'>): boolean =>
  withDefaults(fitChoices, train || {}).loss === 'features';

/** Its network as a spec tells it, where that doesn't leave it to the dataset. */
export const networkTold = ({ train }: Pick<Spec, 'train'>): string | undefined =>
  train ? train.feature_network : undefined;

/** The loss on features of a table that has one. Images come to the dataset's own network as its scores have them. */
export function featureLossOf(
  spec: Pick<Spec, 'train'>,
  { featureNetwork, featureResize }: DatasetConfig,
  surroundings: Surroundings,
): FitConfig['features'] {
  if (!isOnFeatures(spec)) return undefined;
  const { feature_weight: weight = featureLossKeys.feature_weight.default } = spec.train || {};
  const told = networkTold(spec);
  const file = told === undefined ? featureNetwork : networkFile(told, surroundings);
  if (file === undefined) throw new Error('a loss on features has a network');
  const isOwn = file === featureNetwork && featureResize !== undefined;
  return { network: { file, ...(isOwn && { resize: featureResize }) }, weight };
}

function networkFile(told: string, { specFolder, models }: Surroundings): string {
  return isNamed(told) ? join(models, featureNetworks[told].name) : resolve(specFolder, told);
}

/** Whether a feature network is told by its name in the registry. */
export const isNamed = (told: string): told is keyof typeof featureNetworks & string =>
  Object.hasOwn(featureNetworks, told);
