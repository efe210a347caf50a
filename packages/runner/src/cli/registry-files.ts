import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { datasetEntry, datasetFolder } from '../experiment/datasets.js';
import {
  clips,
  type DatasetName,
  datasetNames,
  type FileRole,
  featureNetworks,
  firstStages,
  type ModelFile,
  sourceOf,
} from '../experiment/published-models.js';
import { didYouMean } from '../judging/suggest.js';
import { modelsFolder, workingFolder } from '../workspace.js';
import { shownPath } from './output.js';

/** A file of a model, and where it is or belongs. */
export interface PlacedFile {
  readonly role: FileRole;
  readonly file: ModelFile;
  readonly folder: string;
  /** Absolute. */
  readonly path: string;
}

/** What the registry names: models, networks that score their samples, CLIPs, and first stages. */
export type RegistryName =
  | DatasetName
  | keyof typeof featureNetworks
  | keyof typeof clips
  | keyof typeof firstStages;

/** Files that stand alone, and what each is to a model. */
const alone: Readonly<Record<string, { readonly role: FileRole; readonly file: ModelFile }>> =
  Object.fromEntries([
    ...Object.entries(featureNetworks).map(([name, file]) => [name, { role: 'feature_network', file }]),
    ...Object.entries(clips).map(([name, file]) => [name, { role: 'clip', file }]),
    ...Object.entries(firstStages).map(([name, file]) => [name, { role: 'first_stage', file }]),
  ]);

export const registryNames: readonly RegistryName[] = [
  ...datasetNames,
  ...(Object.keys(alone) as RegistryName[]),
];

/** The files of a name, a model's checkpoint first, where a spec in the working folder would look for them. */
export function registryFiles(name: RegistryName): PlacedFile[] {
  const cwd = workingFolder();
  const models = modelsFolder();
  if (!isModelName(name)) {
    const { role, file } = alone[name]!;
    return [{ role, file, folder: models, path: join(models, file.name) }];
  }
  const folder = datasetFolder(name, { specFolder: cwd, cwd, models });
  const files = Object.entries(datasetEntry(name).files) as [FileRole, ModelFile][];
  return files.map(([role, file]) => ({ role, file, folder, path: join(folder, file.name) }));
}

/**
 * A file that a command is given: a path that is there comes before a name of the registry that is the same, of which the
 * file of that role is meant, by default the first.
 *
 * @throws RunnerError E_FILE, with how it is had
 */
export function pathOrNamed(given: string, role?: FileRole): string {
  return existsSync(given) ? given : pathNamed(given, role);
}

/**
 * The file that a name of the registry means, of that role or the first.
 *
 * @throws RunnerError E_FILE, with how it is had
 */
export function pathNamed(given: string, role?: FileRole): string {
  const named = registryNames.flatMap((name) => {
    const found = registryFiles(name).find((file) => role === undefined || file.role === role);
    return found ? [{ name, ...found }] : [];
  });
  const found = named.find(({ name }) => name === given);
  if (!found) {
    const [path, names] = [resolve(given), named.map(({ name }) => name)];
    throw new RunnerError(
      'E_FILE',
      `there is no ${given} (looked at ${path}), and the registry has no ${role ?? 'model'} of that name${didYouMean(given, names)}`,
      { evidence: { path } },
    );
  }
  const { name, path, file } = found;
  if (existsSync(path)) return path;
  const fetch = file.address === undefined ? '' : `fewstep models fetch ${name}, or `;
  const byHand = `${sourceOf(file)} and put it at ${shownPath(path)}`;
  throw new RunnerError('E_FILE', `${name} needs ${shownPath(path)}, which is not there: ${fetch}${byHand}`, {
    evidence: { path },
  });
}

export const isModelName = (name: string): name is DatasetName => datasetNames.includes(name as never);
const isRegistryName = (name: string): name is RegistryName => registryNames.includes(name as never);

/** @throws RunnerError E_MODELS for what is no name of the registry */
export function registryName(name: string): RegistryName {
  if (isRegistryName(name)) return name;
  throw new RunnerError(
    'E_MODELS',
    `${JSON.stringify(name)} is no model of the registry${didYouMean(name, registryNames) || '.'} One of ${registryNames.join(', ')}.`,
    { evidence: { name } },
  );
}
