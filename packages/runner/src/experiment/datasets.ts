import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RegistryEntry, registry } from './registry.js';
import type { Spec } from './schema.js';

export type DatasetName = keyof typeof registry;

/** Names that a spec may call a dataset by. */
export const datasetNames = Object.keys(registry) as DatasetName[];

export const datasetEntry = (name: DatasetName): RegistryEntry => registry[name];

/** What an entry can be led by. */
export function datasetGuidance(name: DatasetName): NonNullable<Spec['guidance']>['type'] | undefined {
  const { family, files } = datasetEntry(name);
  if (family === 'ldm') return files.prompts ? 'cfg' : 'uncond';
  return files.classifier && 'cg';
}

interface DatasetFacts {
  readonly checkpoint: string;
  readonly referenceData?: string;
  readonly featureNetwork?: string;
  /** The network's file that guides it to classes. */
  readonly classifier?: string;
  /** Range of σ, data units; left out: the checkpoint's own. */
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
}

/** A dataset as the spec gives it, defaults filled in that its checkpoint doesn't tell; its paths are still relative. */
export function datasetFacts(dataset: Spec['dataset']): DatasetFacts {
  if (typeof dataset === 'string') {
    const { files, sigmaMin, sigmaMax } = datasetEntry(dataset);
    return {
      checkpoint: files.checkpoint.name,
      sigmaMin,
      sigmaMax,
      ...(files.classifier && { classifier: files.classifier.name }),
      ...(files.reference_data && { referenceData: files.reference_data.name }),
      ...(files.feature_network && { featureNetwork: files.feature_network.name }),
    };
  }
  const { checkpoint, sigma_min, sigma_max, reference_data, feature_network, classifier } = dataset;
  return {
    checkpoint,
    ...(sigma_min !== undefined && { sigmaMin: sigma_min }),
    ...(sigma_max !== undefined && { sigmaMax: sigma_max }),
    ...(classifier !== undefined && { classifier }),
    ...(reference_data !== undefined && { referenceData: reference_data }),
    ...(feature_network !== undefined && { featureNetwork: feature_network }),
  };
}

/** Where files of registry entries are looked for; absolute paths. */
export interface Surroundings {
  /** The folder of the spec. */
  readonly specFolder: string;
  readonly cwd: string;
  /** The folder of models: $FEWSTEP_MODELS, else models/ in the workspace. */
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
