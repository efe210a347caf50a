import { printable } from '../judging/shown.js';
import { aligned, columnsOf } from './columns.js';

/** What Markdown reads as marks; an underscore only at the edge of a word. */
const marks = /[\\`*[\]<>&|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** A text as a cell shows it, whatever it is. */
export const cell = (text: string): string => printable(text).replace(marks, '\\$&');

/** A table of rows of cells, the first of them the heads, aligned for a terminal: all columns but the first at the right. */
export function markdownTable(cells: readonly (readonly string[])[]): string[] {
  const isNumber = (column: number) => column > 0;
  const [header = [], ...rows] = aligned(cells, isNumber);
  const rule = header.map(
    (cell, column) => `${'-'.repeat(columnsOf(cell) + 1)}${isNumber(column) ? ':' : '-'}`,
  );
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(header), `|${rule.join('|')}|`, ...rows.map(line)];
}
