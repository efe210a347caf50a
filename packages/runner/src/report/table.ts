import { digitsOf } from '../scores/scores.js';
import { aligned } from './align.js';
import type { Report } from './report.js';

/** The points of a report as a Markdown table, aligned for a terminal: a row each, a column per metric. */
export function table({ points, digits = {} }: Report): string {
  const metrics = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const cells = points.map((point) => [
    point.label.replaceAll('|', '\\|'),
    point.nfe === undefined ? '–' : String(point.nfe),
    ...metrics.map((metric) => format(point.metrics[metric], digits[metric] ?? digitsOf(metric))),
  ]);
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned([['sampler', 'NFE', ...metrics], ...cells], isNumber);
  const rule = header.map(({ length }, column) => `${'-'.repeat(length + 1)}${isNumber(column) ? ':' : '-'}`);
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

function format(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
