import { printable } from '../judging/shown.js';
import { digitsOf } from '../scores/scores.js';
import { aligned, columnsOf } from './columns.js';
import type { Report } from './report.js';

/**
 * The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric, and how many images
 * these are of and compared with. Below it, which of the points are thresholded.
 */
export function table({ points, digits = {} }: Report): string {
  const metrics = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const counts = Object.entries({ images: 'images', 'real images': 'realImages' } as const).filter(
    ([, count]) => points.some((point) => point[count] !== undefined),
  );
  const cells = points.map((point) => [
    cell(point.label),
    format(point.nfe, 0),
    ...metrics.map((metric) => format(point.metrics[metric], digits[metric] ?? digitsOf(metric))),
    ...counts.map(([, count]) => format(point[count], 0)),
  ]);
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned(
    [['sampler', 'NFE', ...metrics.map(cell), ...counts.map(([name]) => name)], ...cells],
    isNumber,
  );
  const rule = header.map(
    (cell, column) => `${'-'.repeat(columnsOf(cell) + 1)}${isNumber(column) ? ':' : '-'}`,
  );
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const thresholded = cells.flatMap(([label], i) => (points[i]!.thresholding === 'dynamic' ? label : []));
  const below = thresholded.length === 0 ? [] : ['', `With dynamic thresholding: ${thresholded.join('; ')}.`];
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line), ...below].join('\n');
}

/** What Markdown reads as marks; an underscore only at the edge of a word. */
const marks = /[\\`*[\]<>&|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** A text as a cell shows it, whatever it is. */
const cell = (text: string) => printable(text).replace(marks, '\\$&');

function format(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
