import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { resultsMark } from '@fewstep/metrics/image-names';
import { digestOfText } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { RunnerError } from '../../errors.js';
import type { Experiment } from '../../experiment/experiment.js';
import { foldersOf } from '../../report/folders.js';
import { say } from '../terminal/say.js';
import { openResults, type Results, shownPath } from './output.js';

/**
 * The results of an experiment, in a folder of its name, which is its spec's from then on, or is to be run again as the spec
 * that lies in it. By its mark sets of images around it pass it over.
 *
 * @throws RunnerError E_RESULTS where it can't be written, or another spec that is still there has results in it
 */
export async function openResultsOf(experiment: Experiment, folder: string): Promise<Results> {
  const { name, file, changes } = experiment;
  const own = resultsOf(experiment, folder);
  const isAgain = dirname(file) === own;
  const other = await specOf(own);
  if (!isAgain && other !== undefined && other !== (await realpath(file).catch(() => file)))
    throw new RunnerError(
      'E_RESULTS',
      `${shownPath(own)} has results of ${shownPath(other)}, which are not to be mixed with those of ${shownPath(file)}: both have the name ${name}. Give one of them another, or choose another folder (--results); nothing was computed yet.`,
      { evidence: { path: own, spec: file, other } },
    );
  const results = await openResults(own);
  // relative, so that a project may be moved
  const mark = { spec: relative(own, file), ...(changes.length > 0 && { changes }) };
  if (!isAgain) await results.write(`${withoutSecrets(JSON.stringify(mark))}\n`, resultsMark);
  return results;
}

/**
 * Where an experiment's results are: in a folder of its name; of a spec that the command line changes in one beside it,
 * `NAME+student.num_steps=5`, so that no run takes the place of another; where it changes the name, that is the folder. A spec
 * that lies among results is run again where it lies.
 *
 * @param folder of all results, absolute
 */
export function resultsOf({ name, file, changes }: Experiment, folder: string): string {
  const lies = dirname(file);
  const isAmong =
    dirname(lies) === folder && (basename(lies) === name || basename(lies).startsWith(`${name}+`));
  const isRenamed = changes.some((change) => /^name\s*=/.test(change));
  return `${isAmong ? lies : join(folder, name)}${isRenamed ? '' : suffixOf(changes)}`;
}

/** Letters that no shell or file system minds. */
const strange = /[^\p{L}\p{M}\p{N}._=-]+/gu;
/** Beside a name of up to 100 what every file system has room for. */
const longestSuffix = 100;

/** Changes as the end of a folder's name, whatever their order; a digest tells apart what the letters can't. */
function suffixOf(changes: readonly string[]): string {
  if (changes.length === 0) return '';
  const each = changes.map((change) => change.trim().replace(/\s*=\s*/, '=')).sort();
  const all = each.map((change) => `+${change}`).join('');
  const letters = each.map((change) => `+${withoutSecrets(change).replace(strange, '-')}`).join('');
  if (letters === all && Buffer.byteLength(letters) <= longestSuffix) return letters;
  let kept = letters;
  while (Buffer.byteLength(kept) > longestSuffix) kept = kept.slice(0, -1);
  return `${kept}-${digestOfText(all).slice(0, 8)}`;
}

/** The spec that results are of, if it is still there. */
async function specOf(results: string): Promise<string | undefined> {
  try {
    const { spec } = JSON.parse(await readFile(join(results, resultsMark), 'utf8'));
    return await realpath(resolve(results, spec));
  } catch {
    return undefined; // new, or of a spec that was moved, or the mark is none
  }
}

/** Says which folders beside the results of an experiment's points are not of this run. */
export async function sayStrays({ points }: Experiment, results: string): Promise<void> {
  const own = new Set(foldersOf(points.map(({ label }) => label)));
  const there = await readdir(results, { withFileTypes: true });
  const strays = there.filter((entry) => entry.isDirectory() && !own.has(entry.name)).map(({ name }) => name);
  if (strays.length > 0)
    say(
      `of no point of this run, and left as they are: ${strays.map((stray) => shownPath(join(results, stray))).join(', ')}`,
    );
}
