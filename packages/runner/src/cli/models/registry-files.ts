import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RunnerError } from '../../errors.js';
import type { NamedDataset, Surroundings } from '../../experiment/datasets.js';
import { datasetNamed, datasetNames, pathKeys } from '../../experiment/named-datasets.js';
import {
  clips,
  type FileRole,
  featureNetworks,
  firstStages,
  type ModelFile,
  sourceOf,
} from '../../experiment/published-models.js';
import { didYouMean } from '../../judging/suggest.js';
import { modelsFolder, workingFolder } from '../../workspace.js';
import { shownPath } from '../reports/output.js';

/** A file of a model, and where it is or belongs. */
export interface PlacedFile {
  readonly role: FileRole;
  readonly file: ModelFile;
  readonly folder: string;
  /** Absolute. */
  readonly path: string;
}

/** Files that stand alone, and what each is to a model. */
const alone: Readonly<Record<string, { readonly role: FileRole; readonly file: ModelFile }>> =
  Object.fromEntries([
    ...Object.entries(featureNetworks).map(([name, file]) => [name, { role: 'feature_network', file }]),
    ...Object.entries(clips).map(([name, file]) => [name, { role: 'clip', file }]),
    ...Object.entries(firstStages).map(([name, file]) => [name, { role: 'first_stage', file }]),
  ]);

/** What a spec in the working folder would name: datasets; networks that score samples, CLIPs, and first stages. */
export const registryNames = (): string[] => [...datasetsHere(), ...Object.keys(alone)];

/** Datasets that a spec in the working folder would find. */
export const datasetsHere = (): string[] => datasetNames(here());

const here = (): Surroundings => ({
  specFolder: workingFolder(),
  cwd: workingFolder(),
  models: modelsFolder(),
});

/** The files of a name, a model's checkpoint first, where a spec in the working folder would look for them. */
export function registryFiles(name: string): PlacedFile[] {
  const models = modelsFolder();
  if (Object.hasOwn(alone, name)) {
    const { role, file } = alone[name]!;
    return [{ role, file, folder: models, path: join(models, file.name) }];
  }
  const dataset = datasetOf(name);
  if (!dataset) return [];
  const { keys, licence = 'licence not stated', from, published } = dataset;
  const its = pathKeys.flatMap((role): PlacedFile[] => {
    const path = keys[role];
    if (path === undefined) return [];
    const note = `${from} has it`;
    const file = published?.files[role] ?? { name: basename(path), licence, note };
    return [{ role, file, folder: dirname(path), path }];
  });
  const { prompts } = published?.files ?? {};
  return prompts === undefined
    ? its
    : [...its, { role: 'prompts', file: prompts, folder: models, path: join(models, prompts.name) }];
}

/** The dataset of a name, as a spec in the working folder would find it; undefined where there is none that can be used. */
export function datasetOf(name: string): NamedDataset | undefined {
  const found = datasetNamed(name, here());
  return typeof found === 'string' ? undefined : found;
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
  const named = registryNames().flatMap((name) => {
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

/**
 * A dataset that a command is given by its name.
 *
 * @throws RunnerError E_MODELS, with why it can't be used
 */
export function datasetGiven(name: string): NamedDataset {
  const found = datasetNamed(name, here());
  if (typeof found !== 'string') return found;
  throw new RunnerError('E_MODELS', found, { evidence: { name } });
}

/** @throws RunnerError E_MODELS for what is no name of the registry */
export function registryName(name: string): string {
  const names = registryNames();
  if (names.includes(name)) return name;
  throw new RunnerError(
    'E_MODELS',
    `${JSON.stringify(name)} is no model of the registry${didYouMean(name, names) || '.'} One of ${names.join(', ')}.`,
    { evidence: { name } },
  );
}
