import { type TimesTransposed, transposed } from './matrix.js';

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
    const pivots = new Set(found.map(({ pivot }) => pivot));
    const kept = Int32Array.from(open.keys()).filter((at) => !pivots.has(at));
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
    for (const { row: earlier } of found) {
      const factor = earlier[pivot]!;
      for (let i = 0; i < size; i++) row[i]! -= factor * earlier[i]!;
    }
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

/** The kept rows and columns of a matrix [size × size] less what the rows of a factor make of it. */
async function remaining(
  matrix: Float64Array,
  size: number,
  kept: Int32Array,
  rows: readonly Float64Array[],
  times: TimesTransposed,
): Promise<Float64Array> {
  const n = kept.length;
  const factor = new Float64Array(rows.length * n);
  for (const [k, row] of rows.entries()) for (let i = 0; i < n; i++) factor[k * n + i] = row[kept[i]!]!;
  const columns = transposed(factor, rows.length, n);
  const left = await times(columns, columns, n, n, rows.length);
  for (let i = 0; i < n; i++) {
    const start = kept[i]! * size;
    for (let j = 0; j < n; j++) left[i * n + j] = matrix[start + kept[j]!]! - left[i * n + j]!;
  }
  return left;
}
