import { printable } from '../judging/shown.js';
import { digitsOf } from '../scores/scores.js';
import { aligned, columnsOf } from './columns.js';
import type { Report } from './report.js';

/**
 * The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric. Below it, of how
 * many images the scores are and with how many they are compared, which has columns only where it differs; and which of
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
  const cells = points.map((point) => [
    cell(point.label),
    format(point.nfe, 0),
    ...metrics.map((metric) => format(point.metrics[metric], digits[metric] ?? digitsOf(metric))),
    ...varied.map(({ count }) => format(point[count], 0)),
  ]);
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned(
    [['sampler', 'NFE', ...metrics.map(cell), ...varied.map(({ name }) => name)], ...cells],
    isNumber,
  );
  const rule = header.map(
    (cell, column) => `${'-'.repeat(columnsOf(cell) + 1)}${isNumber(column) ? ':' : '-'}`,
  );
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const alike = same.flatMap(({ name, found: [n] }) => (n === undefined ? [] : `${n} ${name}`));
  const thresholded = cells.flatMap(([label], i) => (points[i]!.thresholding === 'dynamic' ? label : []));
  const below = [
    ...(alike.length > 0 ? [`Of ${alike.join(', against ')}.`] : []),
    ...(thresholded.length > 0 ? [`With dynamic thresholding: ${thresholded.join('; ')}.`] : []),
  ].flatMap((sentence) => ['', sentence]);
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line), ...below].join('\n');
}

/** What Markdown reads as marks; an underscore only at the edge of a word. */
const marks = /[\\`*[\]<>&|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** A text as a cell shows it, whatever it is. */
const cell = (text: string) => printable(text).replace(marks, '\\$&');

function format(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
