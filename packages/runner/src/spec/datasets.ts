import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RegistryEntry, registry } from './registry.js';
import type { Spec } from './schema.js';

/** The families whose checkpoints the denoiser task reads; a spec may name their entries as its dataset. */
const families: readonly RegistryEntry['family'][] = ['edm'];

export type DatasetName = keyof typeof registry;

/** Every name of the registry. */
export const registryNames = Object.keys(registry) as DatasetName[];

export const datasetEntry = (name: DatasetName): RegistryEntry => registry[name];

/** Names that a spec may call a dataset by. */
export const datasetNames = registryNames.filter((name) => families.includes(datasetEntry(name).family));

interface DatasetFacts {
  readonly checkpoint: string;
  readonly referenceData?: string;
  readonly featureNetwork?: string;
  /** Range of σ, data units. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** A dataset as the spec gives it, defaults filled in; its paths are still relative. */
export function datasetFacts(dataset: Spec['dataset']): DatasetFacts {
  if (typeof dataset === 'string') {
    const { files, sigmaMin, sigmaMax } = datasetEntry(dataset);
    return {
      checkpoint: files.checkpoint.name,
      sigmaMin,
      sigmaMax,
      ...(files.reference_data && { referenceData: files.reference_data.name }),
      ...(files.feature_network && { featureNetwork: files.feature_network.name }),
    };
  }
  const { checkpoint, sigma_min: sigmaMin, sigma_max: sigmaMax, reference_data, feature_network } = dataset;
  return {
    checkpoint,
    sigmaMin: sigmaMin ?? 0.002,
    sigmaMax: sigmaMax ?? 80,
    ...(reference_data !== undefined && { referenceData: reference_data }),
    ...(feature_network !== undefined && { featureNetwork: feature_network }),
  };
}

/** Where files of registry entries are looked for; absolute paths. */
export interface Surroundings {
  /** The folder of the spec. */
  readonly specFolder: string;
  readonly cwd: string;
  /** The folder of models: $FEWSTEP_MODELS, else models/ in the working folder. */
  readonly models: string;
}

/**
 * The folder of an entry's files: the folder of models; for an entry with a folder of its own (digits) the first that
 * holds the checkpoint of that folder beside the spec, in experiments/, in the folder of models (also the one where
 * missing files belong).
 */
export function datasetFolder(name: DatasetName, { specFolder, cwd, models }: Surroundings): string {
  const { folder, files } = datasetEntry(name);
  if (folder === undefined) return models;
  const inModels = join(models, folder);
  const candidates = [join(specFolder, folder), join(cwd, 'experiments', folder)];
  return candidates.find((candidate) => existsSync(join(candidate, files.checkpoint.name))) ?? inModels;
}
