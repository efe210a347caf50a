import { resolve } from 'node:path';
import { RunnerError } from '../../errors.js';
import { aligned } from '../../report/columns.js';
import {
  type Compared,
  type Comparison,
  compared,
  type Differing,
  letterOf,
} from '../../report/comparison.js';
import { metricsIn } from '../../report/figures.js';
import { influencesIn } from '../../report/influences.js';
import { cell, markdownTable } from '../../report/markdown.js';
import type { PictureFormat } from '../../report/picture-format.js';
import { labelsOf, type PointReport } from '../../report/report.js';
import { table } from '../../report/table.js';
import { digitsOf } from '../../scores/scores.js';
import { workingFolder } from '../../workspace.js';
import type { Answer } from '../terminal/answer.js';
import { say } from '../terminal/say.js';
import { findResults } from './find-results.js';
import { openResults } from './output.js';
import { resultsFolder } from './runs.js';

export interface CompareOptions {
  readonly results?: string;
  readonly outdir?: string;
  readonly format?: PictureFormat;
}

/**
 * `fewstep compare A B…`: experiments, folders of results or single points side by side, as their reports have them: how their
 * protocols and settings differ, their scores, and how much more each has than the first; with `--outdir` also as a page, and
 * their images of the same seeds as a picture.
 *
 * @throws RunnerError E_RESULTS, E_USAGE where it is one point alone
 */
export async function compare(
  told: readonly string[],
  options: CompareOptions,
  answer: Answer,
): Promise<void> {
  const results = resultsFolder(options.results);
  const points: Named[] = [];
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
  const written = options.outdir === undefined ? {} : await write(told.join(' and '), points, side, options);
  answer.object({
    points: points.map(({ letter, experiment, folder, point }) => ({ letter, experiment, folder, ...point })),
    ...side,
    ...written,
  });
  for (const line of textOf(points, side)) answer.line(line);
  for (const [what, path] of Object.entries(written)) answer.line(`${what}: ${path}`);
}

/** A point with where its report lies, and what it is called among the others. */
type Named = Compared & { readonly folder: string; readonly name: string };

/** The page, and the picture where there are images of the same seeds. */
async function write(
  title: string,
  points: readonly Named[],
  side: Comparison,
  { outdir, format }: CompareOptions,
): Promise<{ readonly page: string; readonly pictures?: string }> {
  const folder = resolve(workingFolder(), outdir!);
  const results = await openResults(folder, 'nothing was computed');
  const [{ page }, { comparedData }, { imageFilesOf, rowsOfSameSeeds }, { labelledPicture }] =
    await Promise.all([
      import('@fewstep/report'),
      import('../../report/compared-data.js'),
      import('../../report/compared-images.js'),
      import('../../report/labelled-picture.js'),
    ]);
  const seen = [];
  for (const one of points)
    seen.push({ ...one, images: await imageFilesOf(one.folder, one.point).catch(() => []) });
  const gone = seen.filter(({ images }) => images.length === 0);
  if (gone.length > 0)
    say(
      `the store has no images any more of ${gone.map(({ letter, name }) => `${letter} ${name}`).join(', ')}`,
    );
  const those = seen.filter(({ images }) => images.length > 0);
  const rows = those.length > 1 ? await rowsOfSameSeeds(those.map(({ images }) => images)) : undefined;
  const labels = labelsOf(those.map(({ letter, name, point }) => ({ ...point, label: `${letter} ${name}` })));
  const drawn =
    rows && (await labelledPicture(rows.png, labels, { format: format ?? 'png', note: 'fewstep' }));
  const said = side.protocol.map(
    ({ key, values }) => `Protocols differ, so figures are not of the same: ${key} ${valuesText(values)}.`,
  );
  const data = await comparedData(title, seen, said);
  const pictures = drawn && (await results.write(drawn.picture, `comparison.${drawn.format}`));
  return {
    page: await results.write(await page(data), 'comparison.html'),
    ...(pictures && { pictures }),
  };
}

/** What differs before what is ranked. */
function textOf(points: readonly Named[], side: Comparison): string[] {
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
  aligned(those.map(({ key, values }) => [`  ${key}`, valuesText(values)])).map((row) =>
    row.join('  ').trimEnd(),
  );

const valuesText = (values: Differing['values']): string =>
  values.map(({ value, of }) => `${of.join(', ')} ${valueText(value)}`).join(' · ');

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
