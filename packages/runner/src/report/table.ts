import { printable } from '../judging/shown.js';
import { digitsOf } from '../scores/scores.js';
import { aligned, columnsOf } from './columns.js';
import type { Report } from './report.js';

/** The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric. */
export function table({ points, digits = {} }: Report): string {
  const metrics = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const cells = points.map((point) => [
    cell(point.label),
    point.nfe === undefined ? '–' : String(point.nfe),
    ...metrics.map((metric) => format(point.metrics[metric], digits[metric] ?? digitsOf(metric))),
  ]);
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned([['sampler', 'NFE', ...metrics.map(cell)], ...cells], isNumber);
  const rule = header.map(
    (cell, column) => `${'-'.repeat(columnsOf(cell) + 1)}${isNumber(column) ? ':' : '-'}`,
  );
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** What Markdown reads as marks; an underscore only at the edge of a word. */
const marks = /[\\`*[\]<>&|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** A text as a cell shows it, whatever it is. */
const cell = (text: string) => printable(text).replace(marks, '\\$&');

function format(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
