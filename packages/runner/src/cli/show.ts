import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { didYouMean } from '../judging/suggest.js';
import { foldersOf } from '../report/folders.js';
import { workingFolder } from '../workspace.js';
import type { Answer } from './answer.js';
import { shownPath } from './output.js';
import { jsonIn, listIn, mapIn, numberIn, resultsFolder, runsIn, textIn } from './runs.js';

/** A report that a run kept, as far as it can be shown. */
interface Kept {
  readonly folder: string;
  readonly varies: readonly string[];
  readonly points: readonly Readonly<Record<string, unknown>>[];
}

/**
 * `fewstep show NAME[/POINT]`: a point of a run with its settings, scores and files; of a run of several its points.
 *
 * @throws RunnerError E_RESULTS where there is no such run or point: what there is
 */
export async function show(
  told: string,
  { results }: { readonly results?: string },
  answer: Answer,
): Promise<void> {
  const { run, point: asked } = await found(told, resultsFolder(results));
  const labels = run.points.map(({ label }) => textIn(label) ?? '');
  if (asked === undefined && run.points.length !== 1) {
    answer.object({ run: shownPath(run.folder), points: run.points });
    answer.line(
      `${shownPath(run.folder)}: ${labels.length} points, of which fewstep show ${basename(run.folder)}/POINT shows one`,
    );
    for (const point of run.points) answer.line(`  ${summaryOf(point)}`);
    return;
  }
  const at = asked === undefined ? 0 : Math.max(labels.indexOf(asked), foldersOf(labels).indexOf(asked));
  const point = run.points[at];
  if (!point)
    throw new RunnerError(
      'E_RESULTS',
      `${shownPath(run.folder)} has no point "${asked}"${didYouMean(asked ?? '', labels) || '.'} It has ${labels.join('; ')}.`,
      { evidence: { path: run.folder, point: asked, labels } },
    );
  answer.object({ run: shownPath(run.folder), varies: run.varies, point });
  for (const line of linesOf(point, run)) answer.line(line);
}

/** The run, and what is named of it: by folders, or by its name and a label. */
async function found(told: string, results: string): Promise<{ run: Kept; point?: string }> {
  const path = resolve(workingFolder(), told);
  const slash = told.indexOf('/');
  const [name, point] = slash < 0 ? [told] : [told.slice(0, slash), told.slice(slash + 1)];
  const ways: readonly (readonly [folder: string, point?: string])[] = [
    [path],
    [dirname(path), basename(path)],
    point ? [join(results, name!), point] : [join(results, name!)],
  ];
  for (const [folder, of] of ways) {
    if (!existsSync(join(folder, 'report.json'))) continue;
    const report = await jsonIn(join(folder, 'report.json'));
    const points = listIn(report?.points).map(mapIn);
    if (points.length === 0) continue;
    const varies = listIn(report?.varies).flatMap((one) => textIn(one) ?? []);
    return { run: { folder, varies, points }, ...(of !== undefined && { point: of }) };
  }
  const names = await runsIn(results);
  if (names.includes(name!))
    throw new RunnerError(
      'E_RESULTS',
      `${shownPath(join(results, name!))} has no report: the run isn't at its end, or was ended before. The same command goes on from there.`,
      { evidence: { path: results, run: name } },
    );
  const there =
    names.length > 0 ? `There are ${names.join(', ')}` : 'There are none: fewstep run SPEC makes some';
  throw new RunnerError(
    'E_RESULTS',
    `there are no results of "${name}" in ${shownPath(results)}${didYouMean(name!, names) || '.'} ${there}.`,
    { evidence: { path: results, run: name, runs: names } },
  );
}

const figures = ({ nfe, metrics }: Readonly<Record<string, unknown>>): string[] => {
  const scores = Object.entries(mapIn(metrics)).filter(([name]) => !name.endsWith('_se'));
  const error = (name: string) => numberIn(mapIn(metrics)[`${name}_se`]);
  return [
    ...(numberIn(nfe) === undefined ? [] : [`${nfe} NFE`]),
    ...scores.map(([name, value]) => {
      const se = error(name);
      return `${name} ${short(value)}${se === undefined ? '' : ` ± ${short(1.96 * se)}`}`;
    }),
  ];
};
const summaryOf = (point: Kept['points'][number]) =>
  [textIn(point.label) ?? '?', ...figures(point)].join(', ');

function* linesOf(point: Kept['points'][number], { folder, varies }: Kept): Generator<string> {
  const line = (name: string, text: string) => `  ${name.padEnd(12)}${text}`;
  yield `${textIn(point.label) ?? '?'}, of ${shownPath(folder)}`;
  for (const [i, figure] of figures(point).entries()) yield line(i === 0 ? 'scores' : '', figure);
  const images = numberIn(point.images);
  if (images !== undefined) yield line('images', String(images));
  const settings = Object.entries(mapIn(point.settings));
  // what tells it from its neighbours comes first
  settings.sort(([a], [b]) => Number(varies.includes(b)) - Number(varies.includes(a)));
  for (const [i, [path, value]] of settings.entries())
    yield line(
      i === 0 ? 'settings' : '',
      `${path}: ${valueText(value)}${varies.includes(path) ? '  (varies)' : ''}`,
    );
  const { samples, ...files } = mapIn(point.artifacts);
  const at = (file: unknown) => shownPath(resolve(folder, String(file)));
  const all = [
    ...Object.entries(files).flatMap(([what, file]) =>
      textIn(file) === undefined ? [] : [`${what}: ${at(file)}`],
    ),
    ...listIn(samples).map((file, i, { length }) => `samples${length > 1 ? ` ${i + 1}` : ''}: ${at(file)}`),
  ];
  for (const [i, text] of all.entries()) yield line(i === 0 ? 'files' : '', text);
}

/** A report may be anybody's: no value of it is longer than a few lines. */
const mostLetters = 300;
function valueText(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text;
}

const short = (value: unknown) =>
  numberIn(value) === undefined ? '–' : String(Number(numberIn(value)!.toPrecision(4)));
