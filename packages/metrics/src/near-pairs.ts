import type { TimesTransposed } from './algebra/matrix.js';
import type { FeatureSet } from './feature-set.js';

/** Vectors in double about a point that is near them, so that little cancels where lengths are subtracted. */
export interface Located {
  readonly set: FeatureSet;
  /** [dim] */
  readonly origin: Float64Array;
  /** [n]: squares of their lengths from there. */
  readonly squares: Float64Array;
}

/** The mean of a set's vectors. */
export function meanOf({ dim, data }: FeatureSet): Float64Array {
  const mean = new Float64Array(dim);
  for (let start = 0; start < data.length; start += dim)
    for (let i = 0; i < dim; i++) mean[i]! += data[start + i]!;
  return mean.map((sum) => (sum * dim) / data.length);
}

export function located(set: FeatureSet, origin: Float64Array): Located {
  const { dim, data } = set;
  const squares = new Float64Array(data.length / dim);
  for (let row = 0; row < squares.length; row++)
    for (let i = 0; i < dim; i++) squares[row]! += (data[row * dim + i]! - origin[i]!) ** 2;
  return { set, origin, squares };
}

/** So many vectors of each set are multiplied at a time. */
const BLOCK = 1000;

/** What is told of a pair: the square of the `distance` of vector i and vector j is in `low` … `high`. */
export type Visit = (i: number, j: number, low: number, high: number) => void;

/** Which pairs are of interest: those that may be nearer than either says, as squares. Visits may change them. */
export interface Limits {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
}

/**
 * Visits the pairs of vector i of one set and vector j of another that may be near each other, or of one set, i > j.
 *
 * - Squares of distances are |x|² + |y|² − 2 x·y, the products by `times` of blocks: no more than 1000 × 1000 are held. What
 *   rounding may do to them, and to a `distance`, is less than (2 dim + 24) ε (|x|² + |y|²), for a scalar product of dim
 *   numbers is off by dim · ε/2 · |x||y| at most: Higham, Accuracy and Stability of Numerical Algorithms, 3.1. So whoever
 *   decides by `low` and `high`, and where these don't tell by `distance`, decides as by `distance` alone.
 * - `onPairs`: how many more have been gone through.
 */
export async function eachNearPair(
  a: Located,
  b: Located,
  limits: Limits,
  times: TimesTransposed,
  visit: Visit,
  onPairs: (count: number) => void,
): Promise<void> {
  const { dim } = a.set;
  const isWithin = a === b;
  const rounding = (2 * dim + 24) * Number.EPSILON;
  for (let i0 = 0; i0 < a.squares.length; i0 += BLOCK) {
    const rows = block(a, i0);
    const height = rows.length / dim;
    for (let j0 = 0; j0 < (isWithin ? i0 + 1 : b.squares.length); j0 += BLOCK) {
      const columns = isWithin && i0 === j0 ? rows : block(b, j0);
      const width = columns.length / dim;
      const products = await times(rows, columns, height, width, dim);
      for (let i = 0; i < height; i++) {
        const square = a.squares[i0 + i]!;
        const until = columns === rows ? i : width;
        for (let j = 0; j < until; j++) {
          const both = square + b.squares[j0 + j]!;
          const between = both - 2 * products[i * width + j]!;
          const low = between - rounding * both;
          if (low < limits.rows[i0 + i]! || low < limits.columns[j0 + j]!)
            visit(i0 + i, j0 + j, low, between + rounding * both);
        }
      }
      onPairs(columns === rows ? (height * (height - 1)) / 2 : height * width);
    }
  }
}

/** The vectors from the `start`-th on about the origin, [at most BLOCK × dim]. */
function block({ set: { dim, data }, origin }: Located, start: number): Float64Array {
  const part = data.subarray(start * dim, (start + BLOCK) * dim);
  const result = new Float64Array(part.length);
  for (let row = 0; row < part.length; row += dim)
    for (let i = 0; i < dim; i++) result[row + i] = part[row + i]! - origin[i]!;
  return result;
}
