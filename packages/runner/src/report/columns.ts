import widthOf from 'fast-string-truncated-width';

/** Columns of a terminal that a text takes: two for a wide letter, none for what is laid on another. */
export const columnsOf = (text: string): number => widthOf(text).width;

/** As much of a line as a number of columns has room for; no letter is cut. */
export function cut(line: string, columns: number): string {
  let [kept, taken] = ['', 0];
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    taken += columnsOf(segment);
    if (taken > columns) break;
    kept += segment;
  }
  return kept;
}

/** Columns of a screen that a line may take without moving on to the next; a screen that says none has 80. */
export const roomOf = ({ columns }: { readonly columns?: number }): number => (columns || 80) - 1;

/** A text in lines of so many columns, broken between words; a word that is longer stands by itself. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && columnsOf(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Rows of cells, each cell as wide as the widest of its column; `atRight`: the columns whose text stands at the right. */
export function aligned(
  rows: readonly (readonly string[])[],
  atRight: (column: number) => boolean = () => false,
): string[][] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column]!))));
  return rows.map((row) =>
    row.map((cell, at) => {
      const space = ' '.repeat(widths[at]! - columnsOf(cell));
      return atRight(at) ? space + cell : cell + space;
    }),
  );
}
