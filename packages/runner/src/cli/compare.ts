import { join, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { aligned } from '../report/columns.js';
import { type Compared, type Comparison, compared, type Differing, letterOf } from '../report/comparison.js';
import { metricsIn } from '../report/figures.js';
import { influencesIn } from '../report/influences.js';
import { cell, markdownTable } from '../report/markdown.js';
import type { PointReport } from '../report/report.js';
import { table } from '../report/table.js';
import { digitsOf } from '../scores/scores.js';
import { workspaceRoot } from '../workspace.js';
import type { Answer } from './answer.js';
import { findResults } from './find-results.js';
import { say } from './say.js';

export interface CompareOptions {
  readonly results?: string;
}

/**
 * `fewstep compare A B…`: experiments, folders of results or single points side by side, as their reports have them: how their
 * protocols and settings differ, their scores, and how much more each has than the first.
 *
 * @throws RunnerError E_RESULTS, E_USAGE where it is one point alone
 */
export async function compare(
  told: readonly string[],
  options: CompareOptions,
  answer: Answer,
): Promise<void> {
  const results = options.results === undefined ? join(workspaceRoot(), 'results') : resolve(options.results);
  const points: (Compared & { readonly folder: string; readonly name: string })[] = [];
  const seen = new Set<string>();
  const found = [];
  for (const one of told) found.push(await findResults(one, results));
  const isSeveral = new Set(found.map(({ folder }) => folder)).size > 1;
  for (const { experiment, folder, points: those } of found)
    for (const point of those) {
      const id = JSON.stringify([folder, point.label]);
      if (seen.has(id)) continue;
      seen.add(id);
      const name = isSeveral ? `${experiment}/${point.label}` : point.label;
      points.push({ letter: letterOf(points.length), experiment, folder, name, point });
    }
  if (points.length < 2)
    throw new RunnerError(
      'E_USAGE',
      `${told.join(' ')} is one point, and there is nothing beside it: name another, or a whole experiment.`,
      { evidence: { points: points.map(({ name }) => name) } },
    );
  const folders = new Map(points.map(({ letter, folder }) => [letter, folder]));
  const side = await compared(points, ({ letter, point }) =>
    influencesIn(folders.get(letter)!, point).catch((error: Error) => {
      say(`images of ${letter} can't be read, so its differences are not paired: ${error.message}`);
      return {};
    }),
  );
  answer.object({
    points: points.map(({ letter, experiment, folder, point }) => ({ letter, experiment, folder, ...point })),
    ...side,
  });
  for (const line of textOf(points, side)) answer.line(line);
}

/** What differs before what is ranked. */
function textOf(points: readonly (Compared & { readonly name: string })[], side: Comparison): string[] {
  const named = points.map(
    ({ letter, name, point }): PointReport => ({ ...point, label: `${letter}  ${name}` }),
  );
  return [
    ...(side.protocol.length > 0
      ? ['The protocols differ, so figures are not of the same:', ...linesOf(side.protocol)]
      : ['The protocols are the same.']),
    '',
    ...(side.settings.length > 0
      ? ['Settings that differ:', ...linesOf(side.settings)]
      : ['No setting differs.']),
    '',
    ...table({ name: '', points: named, tasks: { computed: 0, local: 0, remote: 0 }, failures: [] }).split(
      '\n',
    ),
    ...differencesOf(points, side),
  ];
}

const linesOf = (those: readonly Differing[]): string[] =>
  aligned(
    those.map(({ key, values }) => [
      `  ${key}`,
      values.map(({ value, of }) => `${of.join(', ')} ${valueText(value)}`).join(' · '),
    ]),
  ).map((row) => row.join('  ').trimEnd());

const valueText = (value: unknown): string =>
  value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

function differencesOf(points: readonly Compared[], { differences, incomparable }: Comparison): string[] {
  const [first, ...others] = points;
  const metrics = metricsIn(points.map(({ point }) => point)).filter((metric) =>
    differences.some((one) => one.metric === metric),
  );
  const of = (letter: string, metric: string) =>
    differences.find((one) => one.of === letter && one.metric === metric);
  const those = (paired: string) =>
    differences.some((one) => one.paired === paired && one.half !== undefined);
  return [
    ...(metrics.length > 0
      ? [
          '',
          `More than ${first!.letter}, ± a 95 % interval:`,
          '',
          ...markdownTable([
            ['', ...metrics.map(cell)],
            ...others.map(({ letter }) => [
              letter,
              ...metrics.map((metric) => {
                const one = of(letter, metric);
                if (!one) return '–';
                const digits = digitsOf(metric);
                const sign = one.difference < 0 ? '−' : '+';
                const half = one.half === undefined ? '' : ` ± ${one.half.toFixed(digits)}`;
                return `${sign}${Math.abs(one.difference).toFixed(digits)}${half}${one.paired === 'none' ? '' : ' p'}`;
              }),
            ]),
          ]),
        ]
      : []),
    ...(those('images') || those('repeats') ? ['', 'p: paired, by the differences of the same seeds.'] : []),
    ...(those('none')
      ? [
          '',
          'Not paired: as of images that have nothing in common, which is too wide where seeds are the same.',
        ]
      : []),
    ...(incomparable.length > 0
      ? [
          '',
          `Not compared, for their protocols differ: ${incomparable.map(({ metric, of }) => `${metric} of ${of}`).join(', ')}.`,
        ]
      : []),
  ];
}
