import { printable } from '../judging/shown.js';
import { digitsOf } from '../scores/scores.js';
import { aligned, columnsOf } from './columns.js';
import type { PointReport, Report } from './report.js';

/**
 * The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric, and one of published
 * FID where there is some. Below it, of how many images the scores are and with how many they are compared, which has
 * columns only where it differs; where figures are published, and which scores are of fewer images than those; and which of
 * the points are thresholded.
 */
export function table({ points, digits = {} }: Report): string {
  const metrics = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const counts = Object.entries({ images: 'images', 'real images': 'realImages' } as const).map(
    ([name, count]) => ({ name, count, found: new Set(points.map((point) => point[count])) }),
  );
  const [varied, same] = [
    counts.filter(({ found }) => found.size > 1),
    counts.filter(({ found }) => found.size === 1),
  ];
  const isPublished = points.some(({ published }) => published);
  const beside: readonly { readonly name: string; of(point: PointReport): string }[] = [
    ...(isPublished ? [{ name: 'published fid', of: fidPublished }] : []),
    ...varied.map(({ name, count }) => ({ name, of: (point: PointReport) => format(point[count], 0) })),
  ];
  const cells = points.map((point) => [
    cell(point.label),
    format(point.nfe, 0),
    ...metrics.map((metric) => format(point.metrics[metric], digits[metric] ?? digitsOf(metric))),
    ...beside.map(({ of }) => of(point)),
  ]);
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned(
    [['sampler', 'NFE', ...metrics.map(cell), ...beside.map(({ name }) => name)], ...cells],
    isNumber,
  );
  const rule = header.map(
    (cell, column) => `${'-'.repeat(columnsOf(cell) + 1)}${isNumber(column) ? ':' : '-'}`,
  );
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const alike = same.flatMap(({ name, found: [n] }) => (n === undefined ? [] : `${n} ${name}`));
  const thresholded = cells.flatMap(([label], i) => (points[i]!.thresholding === 'dynamic' ? label : []));
  const sources = points.flatMap(({ published }) =>
    published ? `${published.source}, of ${published.images} images` : [],
  );
  const fewer = cells.flatMap(([label], i) => {
    const { published, images = 0 } = points[i]!;
    return published && images < published.images ? label! : [];
  });
  const below = [
    ...(alike.length > 0 ? [`Of ${alike.join(', against ')}.`] : []),
    ...[...new Set(sources)].map((source) => `Published: ${cell(source)}.`),
    ...(fewer.length > 0 ? [`Of fewer images than what is published, so higher: ${fewer.join('; ')}.`] : []),
    ...(thresholded.length > 0 ? [`With dynamic thresholding: ${thresholded.join('; ')}.`] : []),
  ].flatMap((sentence) => ['', sentence]);
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line), ...below].join('\n');
}

/** What Markdown reads as marks; an underscore only at the edge of a word. */
const marks = /[\\`*[\]<>&|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** A text as a cell shows it, whatever it is. */
const cell = (text: string) => printable(text).replace(marks, '\\$&');

/** In papers it has two digits. */
const fidPublished = ({ published }: PointReport) => format(published?.fid, 2);

function format(value: number | undefined, digits: number): string {
  if (value === undefined) return '–';
  return value === Infinity ? '∞' : value.toFixed(digits);
}
