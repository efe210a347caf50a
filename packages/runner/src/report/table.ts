import { digitsOf } from '../scores/scores.js';
import { alikeBest, columnText, format, metricsIn, repeatsOf } from './figures.js';
import { cell, markdownTable } from './markdown.js';
import { notesOn, notTold } from './notes.js';
import type { PointReport, Report } from './report.js';

/**
 * The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric, and one of published
 * FID and of what training cost where there is some. A figure with a standard error stands with half the width of its 95 % interval, and with a mark
 * where that can't tell it from the best of what costs as much and is scored alike. Below it what is to be known of the
 * figures: of how many images they are and with how many they are compared, which has columns only where it differs; what ±
 * and the mark mean; where figures are published and which scores are of fewer images than those; what is thresholded, was
 * computed on several devices, or is scored on images that something was fitted to. Then trainings that differ in their seed
 * alone, together.
 */
export function table({ points, digits = {}, trainings = [] }: Report): string {
  const digitsIn = (metric: string) => digits[metric] ?? digitsOf(metric);
  const metrics = metricsIn(points);
  const columns = metrics.map((metric) => {
    const alike = alikeBest(points, metric);
    const texts = columnText(points, metric, { digits: digitsIn(metric), repeatsOf });
    return points.map((point, i) => (alike.has(point) ? `${notTold} ${texts[i]}` : texts[i]!));
  });
  const counts = Object.entries({ images: imagesText, 'real images': realImagesText } as const).map(
    ([name, of]) => ({ name, of, found: new Set(points.map(of)) }),
  );
  const [varied, same] = [
    counts.filter(({ found }) => found.size > 1),
    counts.filter(({ found }) => found.size === 1),
  ];
  const isParallel = points.some(({ depth }) => depth !== undefined);
  const isPublished = points.some(({ published }) => published);
  const isTrained = points.some(({ train_calls: calls }) => calls !== undefined);
  const beside: readonly { readonly name: string; of(point: PointReport): string }[] = [
    ...(isPublished ? [{ name: 'published fid', of: fidPublished }] : []),
    ...(isTrained ? [{ name: 'train_calls', of: callsText }] : []),
    ...varied.map(({ name, of }) => ({
      name,
      of: (point: PointReport) => of(point) ?? format(undefined, 0),
    })),
  ];
  const notes = notesOn(points, {
    alike: same.flatMap(({ name, found: [n] }) => (n === undefined ? [] : `${n} ${name}`)),
    isMarked: columns.flat().some((text) => text.startsWith(notTold)),
  });
  const together = trainings.length > 0 ? trainingsTable(trainings, digitsIn) : [];
  return [
    ...markdownTable([
      [
        'sampler',
        'NFE',
        ...(isParallel ? ['depth'] : []),
        ...metrics.map(cell),
        ...beside.map(({ name }) => name),
      ],
      ...points.map((point, i) => [
        cell(point.label),
        format(point.nfe, 0),
        ...(isParallel ? [format(point.depth ?? point.nfe, 0)] : []),
        ...columns.map((texts) => texts[i]!),
        ...beside.map(({ of }) => of(point)),
      ]),
    ]),
    ...notes.flatMap((sentence) => ['', sentence]),
    ...together,
  ].join('\n');
}

function trainingsTable(
  trainings: NonNullable<Report['trainings']>,
  digitsIn: (metric: string) => number,
): string[] {
  const metrics = metricsIn(trainings);
  const columns = metrics.map((metric) =>
    columnText(trainings, metric, { digits: digitsIn(metric), repeatsOf: ({ seeds }) => seeds.length }),
  );
  return [
    '',
    'Means over trainings that differ in train.seed alone, with a 95 % interval by their spread (Student’s t); the images are the same:',
    '',
    ...markdownTable([
      ['over training seeds', 'trainings', ...metrics.map(cell)],
      ...trainings.map(({ label, seeds }, i) => [
        cell(label),
        String(seeds.length),
        ...columns.map((texts) => texts[i]!),
      ]),
    ]),
  ];
}

const callsText = ({ train_calls: calls }: PointReport) => format(calls, 0);

/** In papers it has two digits. */
const fidPublished = ({ published }: PointReport) => format(published?.fid, 2);

function imagesText(point: PointReport): string | undefined {
  const { images } = point;
  const repeats = repeatsOf(point);
  if (images === undefined) return undefined;
  return repeats > 1 ? `${repeats} × ${images}` : String(images);
}

const realImagesText = ({ realImages }: PointReport) =>
  realImages === undefined ? undefined : String(realImages);
