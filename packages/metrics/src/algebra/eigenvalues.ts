import { statisticsFault } from '../errors.js';
import { bandOf, tridiagonalOf } from './band.js';
import type { TimesTransposed } from './matrix.js';

/** Of the band on the way: narrow, for what comes after it is done on one core; wide enough for products to be fast. */
const WIDTH = 32;

/**
 * Steps for each eigenvalue on the mean; two are usual, and only what is no number takes this many. The first eigenvalue of a
 * matrix that grows from there may take hundreds, with which the others are nearly found.
 */
const MAX_STEPS = 30;

/**
 * The eigenvalues of a symmetric matrix [n × n], in no particular order.
 *
 * Householder's reduction to a band, then to tridiagonal form, and implicit QL with Wilkinson's shift: Golub and Van Loan,
 * Matrix Computations, 8.3. 2 n³ multiplications in products and 100 n² others; errors are a few ε times the largest
 * eigenvalue. Where the matrix's entries shrink from its first row and column to its last, as behind Cholesky's method with
 * pivots, small eigenvalues are off by far less than that.
 */
export async function symmetricEigenvalues(
  matrix: Float64Array,
  n: number,
  times: TimesTransposed,
): Promise<Float64Array> {
  const { diagonal, off } = tridiagonalOf(
    await bandOf(matrix, n, Math.max(1, Math.min(WIDTH, n - 1)), times),
  );
  // from the last to the first: QL starts at the small end
  return tridiagonalEigenvalues(diagonal.reverse(), Float64Array.of(...off.subarray(0, -1).reverse(), 0));
}

/** Overwrites both arrays; the eigenvalues end in `d`. */
function tridiagonalEigenvalues(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  const norm = d.reduce((largest, value, i) => Math.max(largest, Math.abs(value) + Math.abs(e[i]!)), 0);
  // about 1, so that no square is out of range, by a power of two, which rounds nothing
  const scale = 2 ** Math.min(1000, -Math.floor(Math.log2(norm)));
  for (let i = 0; i < n; i++) {
    d[i]! *= scale;
    e[i]! *= scale;
  }
  const isSmall = (m: number) =>
    Math.abs(e[m]!) <= Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!) + Number.EPSILON);
  let steps = 0;
  for (let first = 0; first < n; first++) {
    for (;;) {
      let end = first;
      while (end < n - 1 && !isSmall(end)) end++;
      if (end === first) break;
      if (steps++ === MAX_STEPS * n)
        throw statisticsFault(
          `the eigenvalues of a covariance can't be found: its numbers, of about ${norm}, are too large or too small for double`,
          { norm },
        );
      qlStep(d, e, first, end);
    }
  }
  for (let i = 0; i < n; i++) d[i]! /= scale;
  return d;
}

/** One implicit QL step on rows `first` to `end`. */
function qlStep(d: Float64Array, e: Float64Array, first: number, end: number): void {
  const slope = (d[first + 1]! - d[first]!) / (2 * e[first]!);
  const shift = d[first]! - e[first]! / (slope + (slope >= 0 ? 1 : -1) * Math.hypot(slope, 1));
  let g = d[end]! - shift;
  let [sine, cosine, p] = [1, 1, 0];
  for (let i = end - 1; i >= first; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      // The matrix splits here: undo this row's part and start again.
      d[i + 1]! -= p;
      e[end] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1]! - p;
    const turn = (d[i]! - g) * sine + 2 * cosine * b;
    p = sine * turn;
    d[i + 1] = g + p;
    g = cosine * turn - b;
  }
  d[first]! -= p;
  e[first] = g;
  e[end] = 0;
}
