import { statisticsFault } from './errors.js';

/** Two or three steps an eigenvalue are usual; only overflow takes this many. */
const MAX_STEPS = 64;

/**
 * The eigenvalues of a symmetric matrix [n × n], in no particular order. Only its lower triangle is read.
 *
 * Householder's reduction to tridiagonal form (2/3 n³ multiplications), then implicit QL with Wilkinson's shift:
 * Golub and Van Loan, Matrix Computations, 8.3. Errors are a few ε times the largest eigenvalue.
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, off } = tridiagonal(matrix.slice(), n);
  return tridiagonalEigenvalues(diagonal, off);
}

/** Reduces `a` in place. `off[i]` stands beside `diagonal[i]` and `diagonal[i + 1]`; the last is 0. */
function tridiagonal(a: Float64Array, n: number): { diagonal: Float64Array; off: Float64Array } {
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    diagonal[i] = a[i * n + i]!;
    if (i === 0) break;
    // Reflect row i, left of the diagonal, onto its last entry.
    const v = a.subarray(i * n, i * n + i);
    const scale = v.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    if (scale === 0 || i === 1) {
      off[i - 1] = v[i - 1]!;
      continue;
    }
    let square = 0;
    for (let k = 0; k < i; k++) square += (v[k]! /= scale) ** 2;
    const last = v[i - 1]!;
    const length = last >= 0 ? -Math.sqrt(square) : Math.sqrt(square);
    off[i - 1] = scale * length;
    v[i - 1] = last - length;
    reflect(a, n, v, square - last * length);
  }
  return { diagonal, off };
}

/** A := H A H on the leading block, H = I − v vᵀ / half; only the lower triangle is kept. */
function reflect(a: Float64Array, n: number, v: Float64Array, half: number): void {
  const size = v.length;
  const p = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    const vj = v[j]!;
    let sum = a[j * n + j]! * vj;
    for (let k = 0; k < j; k++) {
      const value = a[j * n + k]!;
      sum += value * v[k]!;
      p[k]! += value * vj;
    }
    p[j]! += sum;
  }
  let projection = 0;
  for (let k = 0; k < size; k++) projection += (p[k]! /= half) * v[k]!;
  for (let k = 0; k < size; k++) p[k]! -= (projection / (2 * half)) * v[k]!;
  for (let j = 0; j < size; j++) {
    const [vj, pj] = [v[j]!, p[j]!];
    for (let k = 0; k <= j; k++) a[j * n + k]! -= vj * p[k]! + pj * v[k]!;
  }
}

/** Overwrites both arrays; the eigenvalues end in `d`. */
function tridiagonalEigenvalues(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  const norm = d.reduce((largest, value, i) => Math.max(largest, Math.abs(value) + Math.abs(e[i]!)), 0);
  const isSmall = (m: number) =>
    Math.abs(e[m]!) <= Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!) + Number.EPSILON * norm);
  for (let first = 0; first < n; first++) {
    for (let steps = 0; ; steps++) {
      let end = first;
      while (end < n - 1 && !isSmall(end)) end++;
      if (end === first) break;
      if (steps === MAX_STEPS)
        throw statisticsFault(
          `the eigenvalues of a covariance can't be found: its numbers, of about ${norm}, are too large or too small for double`,
          { norm },
        );
      qlStep(d, e, first, end);
    }
  }
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
    const r = Math.hypot(f, g);
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
