/** A·Bᵀ of row-major matrices in double: `a` [rows × inner], `b` [columns × inner] -> [rows × columns]. */
export type TimesTransposed = (
  a: Float64Array,
  b: Float64Array,
  rows: number,
  columns: number,
  inner: number,
) => Float64Array | Promise<Float64Array>;

/**
 * A `TimesTransposed` of one core: four by four scalar products at a time, so that a number once loaded serves four of them.
 */
export function timesTransposed(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  columns: number,
  inner: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  const sums = new Float64Array(16);
  for (let i = 0; i < rows; i += 4) {
    for (let j = 0; j < columns; j += 4) {
      tile(a, b, Math.min(i, rows - 1), j, rows, columns, inner, sums);
      for (let di = 0; di < 4 && i + di < rows; di++)
        for (let dj = 0; dj < 4 && j + dj < columns; dj++)
          result[(i + di) * columns + j + dj] = sums[4 * di + dj]!;
    }
  }
  return result;
}

/** The 16 scalar products of rows i…i+3 of a with rows j…j+3 of b; beyond the end, the last row again. */
function tile(
  a: Float64Array,
  b: Float64Array,
  i: number,
  j: number,
  rows: number,
  columns: number,
  inner: number,
  sums: Float64Array,
): void {
  const rowA = (d: number) => Math.min(i + d, rows - 1) * inner;
  const rowB = (d: number) => Math.min(j + d, columns - 1) * inner;
  const [a0, a1, a2, a3] = [rowA(0), rowA(1), rowA(2), rowA(3)];
  const [b0, b1, b2, b3] = [rowB(0), rowB(1), rowB(2), rowB(3)];
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [s20, s21, s22, s23, s30, s31, s32, s33] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < inner; k++) {
    const [x0, x1, x2, x3] = [a[a0 + k]!, a[a1 + k]!, a[a2 + k]!, a[a3 + k]!];
    const [y0, y1, y2, y3] = [b[b0 + k]!, b[b1 + k]!, b[b2 + k]!, b[b3 + k]!];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  sums.set([s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33]);
}

/** Rows and columns that are gone through at a time where one of them stands far apart in memory. */
const TILE = 32;

/** [columns × rows] of a row-major matrix [rows × columns]. */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i0 = 0; i0 < rows; i0 += TILE)
    for (let j0 = 0; j0 < columns; j0 += TILE)
      for (let j = j0; j < Math.min(columns, j0 + TILE); j++)
        for (let i = i0; i < Math.min(rows, i0 + TILE); i++) result[j * rows + i] = matrix[i * columns + j]!;
  return result;
}

/** Rows that are multiplied at a time where only what is below the diagonal is wanted. */
const PANEL = 256;

/** Rows `top` to `end` − 1 of a matrix, in columns 0 to `end` − 1: `products` [end − top × end]. */
export interface LowerRows {
  readonly top: number;
  readonly end: number;
  readonly products: Float64Array;
}

/**
 * A·Bᵀ [n × n] up to the diagonal, and little beyond: all that a symmetric matrix has. `a`, `b` [n × inner]; half of the
 * multiplications of the whole, and no second matrix of its size is held.
 */
export async function* lowerRows(
  a: Float64Array,
  b: Float64Array,
  n: number,
  inner: number,
  times: TimesTransposed,
): AsyncGenerator<LowerRows> {
  for (let top = 0; top < n; top += PANEL) {
    const end = Math.min(n, top + PANEL);
    const rows = a.subarray(top * inner, end * inner);
    const products = await times(rows, b.subarray(0, end * inner), end - top, end, inner);
    yield { top, end, products };
  }
}

/** Rows `top` to `end` − 1, columns `left` to `right` − 1. */
interface Tile {
  readonly top: number;
  readonly end: number;
  readonly left: number;
  readonly right: number;
}

/** What covers a matrix [n × n] up to its diagonal, and a little beyond. */
export function* tilesBelow(n: number): Generator<Tile> {
  for (let top = 0; top < n; top += TILE)
    for (let left = 0; left <= top; left += TILE)
      yield { top, end: Math.min(n, top + TILE), left, right: Math.min(n, left + TILE) };
}

/** Copies what a matrix [n × n] has below its diagonal to above it. */
export function mirror(matrix: Float64Array, n: number): void {
  for (const { top, end, left, right } of tilesBelow(n))
    for (let i = top; i < end; i++)
      for (let j = left; j < Math.min(i, right); j++) matrix[j * n + i] = matrix[i * n + j]!;
}
