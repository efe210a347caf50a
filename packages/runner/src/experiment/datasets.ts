import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type FileName, familyNamed, fileNames } from '@fewstep/models/families';
import type { DataKind } from '@fewstep/schedules';
import { onnxOf } from './onnx.js';
import { type DatasetName, type RegistryEntry, registry } from './published-models.js';
import type { Spec } from './schema.js';

export const datasetEntry = (name: DatasetName): RegistryEntry => registry[name];

/** A value for each file that may belong to a checkpoint, by its key in a spec. */
export const byFile = <T>(find: (name: FileName) => T | undefined): { readonly [N in FileName]?: T } =>
  Object.fromEntries(
    fileNames.flatMap((name) => {
      const value = find(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** A dataset as a spec gives it, a registry entry as the keys that it stands for; its paths are still relative. */
export function datasetFacts(dataset: Spec['dataset']): Exclude<Spec['dataset'], string> {
  if (typeof dataset !== 'string') return dataset;
  const { files, sigmaMin, sigmaMax } = datasetEntry(dataset);
  const { reference_data, feature_network, clip } = files;
  return {
    checkpoint: files.checkpoint.name,
    sigma_min: sigmaMin,
    sigma_max: sigmaMax,
    ...byFile((name) => files[name]?.name),
    ...(reference_data && { reference_data: reference_data.name }),
    ...(feature_network && { feature_network: feature_network.name }),
    ...(clip && { clip: clip.name }),
  };
}

/** What the network of a dataset denoises, where a spec tells without a look at files. */
export function dataOf(dataset: Spec['dataset']): DataKind | undefined {
  if (typeof dataset === 'string')
    return familyNamed(datasetEntry(dataset).family)?.latents ? 'latents' : 'pixels';
  const onnx = onnxOf(dataset);
  return onnx && (onnx.decoder === undefined ? 'pixels' : 'latents');
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
 * The folder of an entry's files: the folder of models; for one with a folder of its own (digits, emoji) the first that
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
