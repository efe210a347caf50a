import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { displayPath } from '../experiment/problem.js';
import { shown } from '../judging/shown.js';
import { workingFolder, workspaceRoot } from '../workspace.js';

/** What is looked for. */
interface Sought {
  readonly noun: 'predictor' | 'sampler';
  readonly code: string;
  /** What its files are called. */
  readonly isFile: RegExp;
  /** What a training left of it in a folder, of the names there. */
  readonly leftIn: (names: readonly string[]) => string | undefined;
  /** Whether the official trainings have it, whose folders are numbered. */
  readonly isNumbered: boolean;
  readonly remedy: string;
}

/** What a run of ours calls the predictor of a point. */
const ours = 'predictor.safetensors';
/** What the official training calls its snapshots, by thousands of images. */
const snapshot = /^network-snapshot-(\d+)\.(?:pkl|pt)$/;
const imagesOf = (name: string) => Number(snapshot.exec(name)![1]);
/** No more than these are listed. */
const mostListed = 12;

const predictor: Sought = {
  noun: 'predictor',
  code: 'E_PREDICTOR',
  isFile: /\.(?:pkl|pt|pth|safetensors)$/,
  leftIn: (names) => {
    const snapshots = names.filter((name) => snapshot.test(name)).sort((a, b) => imagesOf(b) - imagesOf(a));
    return snapshots[0] ?? names.find((one) => one === ours); // of two forms of one the pickle, whose name comes first
  },
  isNumbered: true,
  remedy: `Name network-snapshot-….pkl or .pt of the official training, ${ours} of a run, the number of a folder of exps, or an experiment as NAME or NAME/POINT.`,
};

const sampler: Sought = {
  noun: 'sampler',
  code: 'E_SAMPLER',
  isFile: /\.json$/,
  leftIn: (names) => names.find((one) => one === 'sampler.json'),
  isNumbered: false,
  remedy: 'Name a sampler.json, or an experiment as NAME or NAME/POINT.',
};

/**
 * The file of a predictor that a person names, absolute:
 *
 * - a file, or a folder that a training left;
 * - the number of an official training: 27 is the folder `00027-…` or `27-…` of `exps` or `exp` in the working folder, or of
 *   the workspace's results;
 * - results of ours: an experiment of one predictor, or `experiment/point`.
 *
 * Of an official training the snapshot after the most images is taken.
 *
 * @throws RunnerError E_PREDICTOR where there is none or several: what there is, with `found` in its evidence
 */
export const findPredictor = (told: string): Promise<string> => find(told, predictor);

/**
 * The file of a table, likewise: a file, a folder that has a sampler.json, or results of ours.
 *
 * @throws RunnerError E_SAMPLER
 */
export const findSampler = (told: string): Promise<string> => find(told, sampler);

async function find(told: string, sought: Sought): Promise<string> {
  const { noun, code, isFile, isNumbered, remedy } = sought;
  const cwd = workingFolder();
  const results = join(workspaceRoot(cwd), 'results');
  const path = resolve(cwd, told);
  const isNumber = isNumbered && /^\d+$/.test(told);
  const refusal = (sentence: string, found: readonly string[] = []) =>
    new RunnerError(code, sentence, { evidence: { [noun]: told, found } });
  const listed = (paths: readonly string[]) => {
    const more = paths.length - mostListed;
    return `${paths
      .slice(0, mostListed)
      .map((one) => displayPath(one, cwd))
      .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  if (/^https?:/.test(told))
    throw refusal(`${shown(told)} is an address: download the file, and name it where it lies.`);
  if (!isNumber && (await statsOf(path))?.isFile()) return path;
  if (!isNumber && isFile.test(told))
    throw refusal(`there is no file ${displayPath(path, cwd)}; the path is relative to the working folder.`);

  const trainings = [join(cwd, 'exps'), join(cwd, 'exp'), results];
  const folders = isNumber
    ? (await Promise.all(trainings.map(foldersIn))).flat().filter((folder) => numberOf(folder) === +told)
    : [path, join(results, told)];
  const leftIn = (folder: string) => allIn(folder, sought);
  const found = [...new Set((await Promise.all([...new Set(folders)].map(leftIn))).flat())];
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    throw refusal(
      `${shown(told)} may be any of ${found.length} ${noun}s, ${listed(found)}: name one of these files.`,
      found,
    );
  if (isNumber) {
    const there = (await Promise.all(trainings.map(foldersIn))).flat();
    const holds = folders.length > 0 ? `${listed(folders)} holds no predictor` : undefined;
    const around = there.length > 0 ? `: there are ${listed(there)}` : '';
    const places = listed(trainings).replace(/, (?=[^,]*$)/, ' and ');
    throw refusal(
      `${holds ?? `no folder in ${places} has the number ${told}${around}`}. A folder is named as 00027-…, and in it lies network-snapshot-….pkl, .pt or ${ours}.`,
      there,
    );
  }
  const there = (await Promise.all((await foldersIn(results)).map(leftIn))).flat();
  throw refusal(
    `${shown(told)} is no file of a ${noun}, no folder that holds one and no result${there.length > 0 ? `; results hold ${listed(there)}` : ` in ${displayPath(results, cwd)}`}. ${remedy}`,
    there,
  );
}

/** The number that a folder's name begins with. */
const numberOf = (folder: string): number =>
  Number(/^(\d+)(?:-|$)/.exec(basename(folder))?.[1] ?? Number.NaN);

/** What a training left in a folder, or what is left of the points in it. */
async function allIn(folder: string, sought: Sought): Promise<string[]> {
  const own = await oneIn(folder, sought);
  if (own !== undefined) return [own];
  const folders = await foldersIn(folder);
  const below = await Promise.all(folders.map((one) => oneIn(one, sought)));
  return below.filter((one) => one !== undefined);
}

async function oneIn(folder: string, { leftIn }: Sought): Promise<string | undefined> {
  const name = leftIn(await namesIn(folder));
  return name && join(folder, name);
}

/** Folders in one, or nothing where it is none. */
async function foldersIn(folder: string): Promise<string[]> {
  const paths = (await namesIn(folder)).map((name) => join(folder, name));
  const are = await Promise.all(paths.map(async (path) => (await statsOf(path))?.isDirectory()));
  return paths.filter((_, i) => are[i]);
}

const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
const statsOf = (path: string) => stat(path).catch(() => undefined);
