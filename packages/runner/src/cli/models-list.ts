import { statSync } from 'node:fs';
import { datasetEntry } from '../experiment/datasets.js';
import { aligned } from '../report/align.js';
import type { Answer } from './answer.js';
import { megabytes, shownPath } from './output.js';
import {
  isModelName,
  type PlacedFile,
  type RegistryName,
  registryFiles,
  registryNames,
} from './registry-files.js';

/** `fewstep models list`: the models of the registry, which of their files are here, and where the others are had. */
export function modelsList(answer: Answer): void {
  const models = registryNames.map((name) => ({ name, files: registryFiles(name).map(stateOf) }));
  answer.object({ models: models.map(({ name, files }) => ({ ...factsOf(name), files })) });
  answer.line(table(models));
}

function stateOf({ role, file: { name, ...file }, path }: PlacedFile) {
  const found = statSync(path, { throwIfNoEntry: false });
  return {
    role,
    name,
    path: shownPath(path),
    here: found?.isFile() ?? false,
    ...(found?.isFile() && { bytes: found.size }),
    ...file,
  };
}

function factsOf(name: RegistryName) {
  if (!isModelName(name)) return { name };
  const { family, sigmaMin: sigma_min, sigmaMax: sigma_max } = datasetEntry(name);
  return { name, family, sigma_min, sigma_max };
}

function table(models: readonly { name: string; files: readonly ReturnType<typeof stateOf>[] }[]): string {
  const rows = models.flatMap(({ name, files }) =>
    files.map((file, i) => [
      i === 0 ? name : '',
      file.name,
      file.bytes === undefined ? 'missing' : megabytes(file.bytes),
      file.licence,
      [file.address, file.note && `(${file.note})`].filter(Boolean).join(' '),
    ]),
  );
  return aligned([['name', 'file', 'here', 'licence', 'address'], ...rows])
    .map((row) => row.join('  ').trimEnd())
    .join('\n');
}
