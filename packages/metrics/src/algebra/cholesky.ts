import type { TimesTransposed } from './matrix.js';

/** Rows that are found before what is left of the matrix is brought up to date, in one product. */
const BLOCK = 64;

/**
 * L [rank × n] with Lᵀ L = `matrix` [n × n], symmetric and positive semidefinite, row-major.
 *
 * Cholesky's method with the largest remaining diagonal entry as pivot; it ends where that is below n · ε times the
 * largest of the matrix, so rounding noise of a rank-deficient matrix does not come in. A third of n³ multiplications, nearly
 * all of them in products.
 */
export async function choleskyRows(
  matrix: Float64Array,
  n: number,
  times: TimesTransposed,
): Promise<{ rows: Float64Array; rank: number }> {
  const diagonal = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!);
  const threshold = n * Number.EPSILON * Math.max(0, ...diagonal);
  const rows = new Float64Array(n * n);
  let rank = 0;
  // what is left: of these rows and columns of the matrix, less what the rows found so far make of it
  let open = Int32Array.from({ length: n }, (_, i) => i);
  let left = matrix;
  while (open.length > 0) {
    const found = pivotRows(left, open.length, threshold);
    for (const { row } of found) {
      for (let at = 0; at < open.length; at++) rows[rank * n + open[at]!] = row[at]!;
      rank++;
    }
    if (found.length < Math.min(BLOCK, open.length)) break;
    const kept = filled(
      open.length,
      found.map(({ pivot }) => pivot),
    );
    left = await remaining(
      left,
      open.length,
      kept,
      found.map(({ row }) => row),
      times,
    );
    open = kept.map((at) => open[at]!);
  }
  return { rows: rows.subarray(0, rank * n), rank };
}

interface PivotRow {
  readonly pivot: number;
  readonly row: Float64Array;
}

/** The first rows of a factor of a matrix [size × size], fewer than `BLOCK` where nothing above the threshold is left. */
function pivotRows(matrix: Float64Array, size: number, threshold: number): readonly PivotRow[] {
  const diagonal = Float64Array.from({ length: size }, (_, i) => matrix[i * size + i]!);
  const found: PivotRow[] = [];
  while (found.length < Math.min(BLOCK, size)) {
    let pivot = 0;
    for (let i = 1; i < size; i++) if (diagonal[i]! > diagonal[pivot]!) pivot = i;
    if (!(diagonal[pivot]! > threshold)) break;
    const row = matrix.slice(pivot * size, (pivot + 1) * size);
    subtract(row, pivot, found);
    const root = Math.sqrt(diagonal[pivot]!);
    for (let i = 0; i < size; i++) {
      // A pivot of before has nothing left: what is computed for it is rounding noise.
      row[i] = diagonal[i] === -Infinity ? 0 : row[i]! / root;
      diagonal[i]! -= row[i]! ** 2;
    }
    row[pivot] = root;
    diagonal[pivot] = -Infinity;
    found.push({ pivot, row });
  }
  return found;
}

/** Takes from a row of a matrix what the rows found before make of it; four at a time, so that it is gone through as seldom. */
function subtract(row: Float64Array, pivot: number, found: readonly PivotRow[]): void {
  const size = row.length;
  let k = 0;
  for (; k + 3 < found.length; k += 4) {
    const [a, b, c, d] = [found[k]!.row, found[k + 1]!.row, found[k + 2]!.row, found[k + 3]!.row];
    const [fa, fb, fc, fd] = [a[pivot]!, b[pivot]!, c[pivot]!, d[pivot]!];
    for (let i = 0; i < size; i++) row[i]! -= fa * a[i]! + fb * b[i]! + (fc * c[i]! + fd * d[i]!);
  }
  for (const { row: earlier } of found.slice(k)) {
    const factor = earlier[pivot]!;
    for (let i = 0; i < size; i++) row[i]! -= factor * earlier[i]!;
  }
}

/** The numbers below `size` without the pivots, in whose places the last ones are: the others stand where they were. */
function filled(size: number, pivots: readonly number[]): Int32Array {
  const found = new Set(pivots);
  const kept = Int32Array.from({ length: size - pivots.length }, (_, i) => i);
  let last = size;
  for (const [at] of kept.entries())
    if (found.has(at)) {
      do last--;
      while (found.has(last));
      kept[at] = last;
    }
  return kept;
}

/** The kept rows and columns of a matrix [size × size] less what the rows of a factor make of it. */
async function remaining(
  matrix: Float64Array,
  size: number,
  kept: Int32Array,
  rows: readonly Float64Array[],
  times: TimesTransposed,
): Promise<Float64Array> {
  const [n, count] = [kept.length, rows.length];
  const columns = new Float64Array(n * count);
  for (const [k, row] of rows.entries()) for (let i = 0; i < n; i++) columns[i * count + k] = row[kept[i]!]!;
  // columns that stand elsewhere than before
  const moved = Int32Array.from(kept.keys()).filter((at) => kept[at] !== at);
  const ofMoved = new Float64Array(moved.length);
  const left = await times(columns, columns, n, n, count);
  for (let i = 0; i < n; i++) {
    const [start, row] = [kept[i]! * size, i * n];
    for (let k = 0; k < moved.length; k++)
      ofMoved[k] = matrix[start + kept[moved[k]!]!]! - left[row + moved[k]!]!;
    for (let j = 0; j < n; j++) left[row + j] = matrix[start + j]! - left[row + j]!;
    for (let k = 0; k < moved.length; k++) left[row + moved[k]!] = ofMoved[k]!;
  }
  return left;
}
