import { join, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { type DatasetName, datasetEntry, datasetFolder, datasetNames } from '../spec/datasets.js';
import type { FileRole, ModelFile } from '../spec/registry.js';
import { didYouMean } from '../spec/suggest.js';

/** A file of a model, and where it is or belongs. */
export interface PlacedFile {
  readonly role: FileRole;
  readonly file: ModelFile;
  readonly folder: string;
  /** Absolute. */
  readonly path: string;
}

/** The files of a model, its checkpoint first, where a spec in the working folder would look for them. */
export function registryFiles(name: DatasetName): PlacedFile[] {
  const cwd = process.cwd();
  const models = resolve(cwd, process.env.FEWSTEP_MODELS ?? 'models');
  const folder = datasetFolder(name, { specFolder: cwd, cwd, models });
  const files = Object.entries(datasetEntry(name).files) as [FileRole, ModelFile][];
  return files.map(([role, file]) => ({ role, file, folder, path: join(folder, file.name) }));
}

export const isRegistryName = (name: string): name is DatasetName => datasetNames.includes(name as never);

/** @throws RunnerError E_MODELS for what is no name of the registry */
export function registryName(name: string): DatasetName {
  if (isRegistryName(name)) return name;
  throw new RunnerError(
    'E_MODELS',
    `${JSON.stringify(name)} is no model of the registry${didYouMean(name, datasetNames) || '.'} One of ${datasetNames.join(', ')}.`,
    { evidence: { name } },
  );
}
