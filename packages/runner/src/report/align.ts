/** Rows of cells, each cell as wide as the widest of its column; `atRight`: the columns whose text stands at the right. */
export function aligned(
  rows: readonly (readonly string[])[],
  atRight: (column: number) => boolean = () => false,
): string[][] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, at) => (atRight(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))),
  );
}
