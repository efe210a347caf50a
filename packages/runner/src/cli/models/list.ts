import { statSync } from 'node:fs';
import { foreignContent } from '../../download/foreign-content.js';
import { codeOf } from '../../errors.js';
import { aligned, columnsOf, cut, roomOf } from '../../report/columns.js';
import { shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';
import { megabytes } from '../terminal/quantities.js';
import { datasetOf, type PlacedFile, registryFiles, registryNames } from './registry-files.js';

/**
 * `fewstep models list`: the models of the registry, which of their files are here, and where the others are had. Of one
 * that is here and holds something else, as a page of an error, it is said what.
 */
export async function modelsList(answer: Answer): Promise<void> {
  const models = [];
  for (const name of registryNames())
    models.push({ name, files: await Promise.all(registryFiles(name).map(stateOf)) });
  answer.object({ models: models.map(({ name, files }) => ({ ...factsOf(name), files })) });
  const { isTTY, columns } = process.stdout;
  for (const line of table(models, isTTY ? roomOf({ columns }) : Infinity)) answer.line(line);
  const problems = new Map(models.flatMap(({ files }) => files.map(({ path, problem }) => [path, problem])));
  for (const [path, problem] of problems)
    if (problem) answer.line(`${path} holds ${problem}: move it away and fetch it again`);
}

async function stateOf({ role, file: { name, bytes: published, ...file }, path }: PlacedFile) {
  const found = statSync(path, { throwIfNoEntry: false });
  const problem = found?.isFile()
    ? await foreignContent(path, name).catch((error: unknown) => `what can't be read (${codeOf(error)})`)
    : undefined;
  const bytes = found?.isFile() ? found.size : published;
  return {
    role,
    name,
    path: shownPath(path),
    here: problem === undefined && (found?.isFile() ?? false),
    ...(bytes !== undefined && { bytes }),
    ...(problem && { problem }),
    ...file,
  };
}

function factsOf(name: string) {
  const dataset = datasetOf(name);
  if (!dataset) return { name };
  const { keys, published, from } = dataset;
  const { sigma_min, sigma_max } = keys;
  return { name, from, ...(published && { family: published.family }), sigma_min, sigma_max };
}

const sizeOf = ({ bytes }: { readonly bytes?: number }) => bytes !== undefined && megabytes(bytes);

/** As many of the columns as there is room for, from the first; what the others would say is had otherwise. */
function table(
  models: readonly { name: string; files: readonly Awaited<ReturnType<typeof stateOf>>[] }[],
  room: number,
): string[] {
  const rows = models.flatMap(({ name, files }) =>
    files.map((file, i) => [
      i === 0 ? name : '',
      file.name,
      file.problem ? 'damaged' : [!file.here && 'missing', sizeOf(file)].filter(Boolean).join(', '),
      file.licence,
      [file.address, file.note && `(${file.note})`].filter(Boolean).join(' '),
    ]),
  );
  const all = aligned([['name', 'file', 'here', 'licence', 'address'], ...rows]);
  for (let count = all[0]!.length; count > 0; count--) {
    const lines = all.map((row) => row.slice(0, count).join('  ').trimEnd());
    if (count > 1 && lines.some((line) => columnsOf(line) > room)) continue;
    const isWhole = count === all[0]!.length;
    return [
      ...lines.map((line) => cut(line, room)),
      ...(isWhole ? [] : ['', 'licences, addresses: fewstep models list --json; fewstep models fetch NAME']),
    ];
  }
  return [];
}
