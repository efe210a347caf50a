import { basename, resolve } from 'node:path';
import type { PointReport } from '../../report/report.js';
import type { Answer } from '../terminal/answer.js';
import { type FoundResults, findResults } from './find-results.js';
import { shownPath } from './output.js';
import { resultsFolder } from './runs.js';

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
  const run = await findResults(told, resultsFolder(results));
  const { folder, varies, points } = run;
  const [point] = points;
  if (points.length !== 1) {
    answer.object({ run: shownPath(folder), points });
    answer.line(
      `${shownPath(folder)}: ${points.length} points, of which fewstep show ${basename(folder)}/POINT shows one`,
    );
    for (const one of points) answer.line(`  ${[one.label, ...figures(one)].join(', ')}`);
    return;
  }
  answer.object({ run: shownPath(folder), varies, point });
  for (const line of linesOf(point!, run)) answer.line(line);
}

const figures = ({ nfe, metrics }: PointReport): string[] => [
  ...(nfe === undefined ? [] : [`${nfe} NFE`]),
  ...Object.entries(metrics)
    .filter(([name]) => !name.endsWith('_se'))
    .map(([name, value]) => {
      const se = metrics[`${name}_se`];
      return `${name} ${short(value)}${se === undefined ? '' : ` ± ${short(1.96 * se)}`}`;
    }),
];

function* linesOf(
  { label, images, settings, artifacts, ...point }: PointReport,
  { folder, varies }: FoundResults,
): Generator<string> {
  const line = (name: string, text: string) => `  ${name.padEnd(12)}${text}`;
  yield `${label}, of ${shownPath(folder)}`;
  for (const [i, figure] of figures({ label, settings, artifacts, ...point }).entries())
    yield line(i === 0 ? 'scores' : '', figure);
  if (images !== undefined) yield line('images', String(images));
  // what tells it from its neighbours comes first
  const told = Object.entries(settings).sort(
    ([a], [b]) => Number(varies.includes(b)) - Number(varies.includes(a)),
  );
  for (const [i, [path, value]] of told.entries())
    yield line(
      i === 0 ? 'settings' : '',
      `${path}: ${valueText(value)}${varies.includes(path) ? '  (varies)' : ''}`,
    );
  const files = Object.entries<string | readonly string[]>(artifacts).flatMap(([what, paths]) =>
    [paths]
      .flat()
      .map(
        (path, i, { length }) =>
          `${what}${length > 1 ? ` ${i + 1}` : ''}: ${shownPath(resolve(folder, path))}`,
      ),
  );
  for (const [i, text] of files.entries()) yield line(i === 0 ? 'files' : '', text);
}

/** A report may be anybody's: no value of it is longer than a few lines. */
const mostLetters = 300;
function valueText(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text;
}

const short = (value: number) => String(Number(value.toPrecision(4)));
