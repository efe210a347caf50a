import { readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { resultsMark } from '@fewstep/metrics/image-names';
import { RunnerError } from '../errors.js';
import type { Experiment } from '../experiment/experiment.js';
import { foldersOf } from '../report/folders.js';
import { openResults, type Results, shownPath } from './output.js';
import { say } from './say.js';

/**
 * The results of an experiment, in a folder of its name, which is its spec's from then on, or is to be run again as the spec
 * that lies in it. By its mark sets of images around it pass it over.
 *
 * @throws RunnerError E_RESULTS where it can't be written, or another spec that is still there has results in it
 */
export async function openResultsOf({ name, file }: Experiment, folder: string): Promise<Results> {
  const own = join(folder, name);
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
  if (!isAgain) await results.write(`${JSON.stringify({ spec: relative(own, file) })}\n`, resultsMark);
  return results;
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
