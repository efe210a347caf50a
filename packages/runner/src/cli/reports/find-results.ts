import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { resultsMark } from '@fewstep/metrics/image-names';
import { RunnerError } from '../../errors.js';
import { readExperiment } from '../../experiment/read-experiment.js';
import { shown } from '../../judging/shown.js';
import { didYouMean } from '../../judging/suggest.js';
import { foldersOf } from '../../report/folders.js';
import { readReport, reportName } from '../../report/read-report.js';
import type { PointReport } from '../../report/report.js';
import { workingFolder } from '../../workspace.js';
import { shownPath } from './output.js';

/** Points of one experiment, and the folder in which its report lies. */
export interface FoundResults {
  readonly experiment: string;
  readonly folder: string;
  /** Paths of settings that tell the experiment's points apart. */
  readonly varies: readonly string[];
  readonly points: readonly PointReport[];
}

/** No more are listed. */
const mostListed = 12;

/**
 * What results a person names:
 *
 * - a spec, which stands for the folder of its name in `results`;
 * - a folder of results, or its name there;
 * - one point: its folder, or NAME/POINT, by its folder's name or its label.
 *
 * @throws RunnerError E_RESULTS where there is none: what there is, with `found` in its evidence; SpecError of a spec
 */
export async function findResults(told: string, results: string): Promise<FoundResults> {
  const path = resolve(workingFolder(), told);
  if (/\.ya?ml$/i.test(told)) {
    const { name } = await readExperiment(told);
    const own = (await hasReport(dirname(path))) ? dirname(path) : join(results, name);
    if (await hasReport(own)) return whole(own);
    throw new RunnerError(
      'E_RESULTS',
      `${shown(told)} has no results in ${shownPath(own)}: run it, or say where they are with --results.`,
      { evidence: { results: own } },
    );
  }
  for (const from of new Set([path, join(results, told)])) {
    if (await hasReport(from)) return whole(from);
    if (basename(from) === reportName && (await hasReport(dirname(from)))) return whole(dirname(from));
  }
  /** What there is nearest to it, by how much of it that has not. */
  let lacking: { readonly name: string; readonly error: RunnerError } | undefined;
  const lacks = (name: string, error: RunnerError) => {
    if (!lacking || name.length < lacking.name.length) lacking = { name, error };
  };
  for (const from of new Set([path, join(results, told)])) {
    // a label may have slashes in it
    for (let [above, name] = [dirname(from), basename(from)]; above !== dirname(above); ) {
      if (await hasReport(above)) {
        const all = await whole(above);
        const found = pointOf(all, name);
        if (found) return found;
        lacks(name, noPoint(all, name));
        break;
      }
      if (existsSync(join(above, resultsMark))) lacks(name, notEnded(above));
      [above, name] = [dirname(above), `${basename(above)}/${name}`];
    }
    if (existsSync(join(from, resultsMark))) lacks('', notEnded(from));
  }
  if (lacking) throw lacking.error;
  const found = await experimentsIn(results);
  const names = found.map((one) => basename(one));
  const there =
    found.length > 0
      ? `${didYouMean(told, names) || '.'} Results in ${shownPath(results)}: ${names.slice(0, mostListed).join(', ')}${names.length > mostListed ? ` and ${names.length - mostListed} more` : ''}. Name a spec, an experiment as NAME, or a point as NAME/POINT.`
      : `, and there are none in ${shownPath(results)}: fewstep run SPEC makes some.`;
  throw new RunnerError(
    'E_RESULTS',
    `${shown(told)} is no spec, no folder of results and no point of one${there}`,
    { evidence: { results: told, found } },
  );
}

const noPoint = ({ folder, points }: FoundResults, name: string): RunnerError => {
  const labels = points.map(({ label }) => label);
  return new RunnerError(
    'E_RESULTS',
    `${shownPath(folder)} has no point ${shown(name)}${didYouMean(name, labels) || '.'} It has ${labels.map(shown).join(', ')}.`,
    { evidence: { results: folder, point: name, labels } },
  );
};

const notEnded = (folder: string): RunnerError =>
  new RunnerError(
    'E_RESULTS',
    `${shownPath(folder)} has no report: the run isn't at its end, or was ended before. The same command goes on from there.`,
    { evidence: { results: folder } },
  );

async function whole(folder: string): Promise<FoundResults> {
  const { name, points, varies = [] } = await readReport(folder);
  return { experiment: name, folder, varies, points };
}

/** One of its points, by the name of its folder or by its label. */
function pointOf({ points, ...results }: FoundResults, name: string): FoundResults | undefined {
  const folders = foldersOf(points.map(({ label }) => label));
  const at = folders.indexOf(name);
  const point = points[at] ?? points.find(({ label }) => label === name);
  return point && { ...results, points: [point] };
}

const hasReport = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, reportName)).catch(() => undefined))?.isFile() === true;

/** Folders with a report. */
async function experimentsIn(results: string): Promise<string[]> {
  const names = await readdir(results).catch(() => []);
  const folders = names.sort().map((name) => join(results, name));
  const have = await Promise.all(folders.map(hasReport));
  return folders.filter((_, i) => have[i]);
}
