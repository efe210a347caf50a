import { join } from 'node:path';
import { RunnerError } from '../errors.js';
import { datasetEntry, datasetFolder } from '../experiment/datasets.js';
import {
  type DatasetName,
  datasetNames,
  type FileRole,
  featureNetworks,
  type ModelFile,
} from '../experiment/published-models.js';
import { didYouMean } from '../judging/suggest.js';
import { modelsFolder, workingFolder } from '../workspace.js';

/** A file of a model, and where it is or belongs. */
export interface PlacedFile {
  readonly role: FileRole;
  readonly file: ModelFile;
  readonly folder: string;
  /** Absolute. */
  readonly path: string;
}

/** What the registry names: models, and networks that score their samples. */
export type RegistryName = DatasetName | keyof typeof featureNetworks;

export const registryNames: readonly RegistryName[] = [
  ...datasetNames,
  ...(Object.keys(featureNetworks) as (keyof typeof featureNetworks)[]),
];

const isFeatureNetwork = (name: RegistryName): name is keyof typeof featureNetworks =>
  Object.hasOwn(featureNetworks, name);

/** The files of a name, a model's checkpoint first, where a spec in the working folder would look for them. */
export function registryFiles(name: RegistryName): PlacedFile[] {
  const cwd = workingFolder();
  const models = modelsFolder();
  if (isFeatureNetwork(name)) {
    const file = featureNetworks[name];
    return [{ role: 'feature_network', file, folder: models, path: join(models, file.name) }];
  }
  const folder = datasetFolder(name, { specFolder: cwd, cwd, models });
  const files = Object.entries(datasetEntry(name).files) as [FileRole, ModelFile][];
  return files.map(([role, file]) => ({ role, file, folder, path: join(folder, file.name) }));
}

export const isModelName = (name: string): name is DatasetName => datasetNames.includes(name as never);

/** @throws RunnerError E_MODELS for what is no name of the registry */
export function registryName(name: string): RegistryName {
  const found = registryNames.find((one) => one === name);
  if (found) return found;
  throw new RunnerError(
    'E_MODELS',
    `${JSON.stringify(name)} is no model of the registry${didYouMean(name, registryNames) || '.'} One of ${registryNames.join(', ')}.`,
    { evidence: { name } },
  );
}
