import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from './schema.js';

/** A dataset that the spec may call by name. File names are those of the place where the files come from. */
interface DatasetEntry {
  readonly checkpoint: string;
  readonly referenceData?: string;
  readonly featureNetwork?: string;
  /** σ, data units. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** Where to get the checkpoint. */
  readonly source: string;
  readonly licence: string;
  /** Folder of its own inside a folder of models. */
  readonly folder?: string;
}

const edm = (checkpoint: string): DatasetEntry => ({
  checkpoint,
  sigmaMin: 0.002,
  sigmaMax: 80,
  source: `https://nvlabs-fi-cdn.nvidia.com/edm/pretrained/${checkpoint}`,
  licence: 'CC BY-NC-SA 4.0, NVIDIA',
});

/** EDM's range and checkpoints: Karras et al. 2022, arXiv:2206.00364. */
const datasets = {
  digits: {
    checkpoint: 'digits-edm.pkl',
    referenceData: 'digits-32x32.zip',
    featureNetwork: 'digits-features.onnx',
    sigmaMin: 0.002,
    sigmaMax: 80,
    source: 'the folder experiments/digits/ of the Fewstep repository',
    licence: 'MNIST: CC BY-SA 3.0, Yann LeCun and Corinna Cortes',
    folder: 'digits',
  },
  cifar10: edm('edm-cifar10-32x32-uncond-vp.pkl'),
  ffhq: edm('edm-ffhq-64x64-uncond-vp.pkl'),
  afhqv2: edm('edm-afhqv2-64x64-uncond-vp.pkl'),
  imagenet64: edm('edm-imagenet-64x64-cond-adm.pkl'),
} satisfies Record<string, DatasetEntry>;

export type DatasetName = keyof typeof datasets;

export const datasetNames = Object.keys(datasets) as DatasetName[];

export const datasetEntry = (name: DatasetName): DatasetEntry => datasets[name];

/** A dataset as the spec gives it, defaults filled in; its paths are still relative. */
export function datasetFacts(
  dataset: Spec['dataset'],
): Pick<DatasetEntry, 'checkpoint' | 'referenceData' | 'featureNetwork' | 'sigmaMin' | 'sigmaMax'> {
  if (typeof dataset === 'string') return datasetEntry(dataset);
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
  const { folder, checkpoint } = datasetEntry(name);
  if (folder === undefined) return models;
  const inModels = join(models, folder);
  const candidates = [join(specFolder, folder), join(cwd, 'experiments', folder)];
  return candidates.find((candidate) => existsSync(join(candidate, checkpoint))) ?? inModels;
}
