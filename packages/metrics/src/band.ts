import { type TimesTransposed, transposed } from './matrix.js';
import { type Reflector, reflector } from './reflector.js';

/**
 * A symmetric matrix [n × n] that is zero beyond `width` places from its diagonal: its lower triangle, with as much room again
 * for what comes up on the way. Row i holds columns i − 2·width to i.
 */
export interface Band {
  readonly n: number;
  readonly width: number;
  readonly entries: Float64Array;
}

/** Where an entry of a band stands, 0 ≤ i − j ≤ 2·width. */
const placeOf =
  ({ width }: Band) =>
  (i: number, j: number) =>
    i * (2 * width + 1) + (j - i + 2 * width);

/**
 * A band of the same eigenvalues as a symmetric matrix [n × n].
 *
 * Panel by panel of `width` columns: what is below the band is reflected away by Q = I − V T Vᵀ, and the rest becomes
 * Qᵀ A Q = A − V Xᵀ − X Vᵀ with X = W − ½ V (Tᵀ Vᵀ W), W = A V T. 2 n³ multiplications, nearly all of them in products.
 *
 * Source: Bischof, Lang, Sun 2000, A framework for symmetric band reduction (ACM TOMS 26), and Schreiber, Van Loan 1989 for
 * T (SIAM J. Sci. Stat. Comput. 10). V, W and X are kept as rows here.
 */
export async function bandOf(
  matrix: Float64Array,
  n: number,
  width: number,
  times: TimesTransposed,
): Promise<Band> {
  const band: Band = { n, width, entries: new Float64Array(n * (2 * width + 1)) };
  const place = placeOf(band);
  let rest = matrix;
  for (let at = 0; ; at += width) {
    const size = n - at;
    const whole = Math.min(size, width);
    for (let i = 0; i < whole; i++)
      for (let j = 0; j <= i; j++) band.entries[place(at + i, at + j)] = rest[i * size + j]!;
    if (size <= width) return band;

    const below = size - width;
    const panel = new Float64Array(width * below);
    for (let j = 0; j < width; j++) panel.set(rest.subarray(j * size + width, (j + 1) * size), j * below);
    const reflectors = triangulate(panel, width, below);
    for (let j = 0; j < width; j++)
      for (let i = 0; i <= Math.min(j, below - 1); i++)
        band.entries[place(at + width + i, at + j)] = panel[j * below + i]!;

    rest = await reflected(rest, size, width, reflectors, times);
  }
}

/**
 * Reflects each row of a panel [count × size] onto its first entries, row k onto k + 1 of them, one after the other.
 *
 * Reflector k leaves the first k numbers as they are.
 */
function triangulate(panel: Float64Array, count: number, size: number): Reflector[] {
  const reflectors: Reflector[] = [];
  for (let k = 0; k < Math.min(count, size); k++) {
    const one = reflector(panel, k * size + k, size - k);
    reflectors.push(one);
    panel.fill(0, k * size + k, (k + 1) * size);
    panel[k * size + k] = one.beta;
    for (let row = k + 1; row < count; row++) reflect(panel, row * size + k, one);
  }
  return reflectors;
}

/** Qᵀ A Q of a symmetric matrix [size × size], without its first rows and columns, which Q leaves as they are. */
async function reflected(
  matrix: Float64Array,
  size: number,
  first: number,
  reflectors: readonly Reflector[],
  times: TimesTransposed,
): Promise<Float64Array> {
  const [count, n] = [reflectors.length, size - first];
  const v = new Float64Array(count * size);
  for (const [k, one] of reflectors.entries()) v.set(one.v, k * size + first + k);
  const t = joined(
    reflectors.map(({ tau }) => tau),
    await times(v, v, count, count, size),
  );
  const x = combined(t, await times(v, matrix, count, size, size), count, size);
  const seen = transposed(await times(x, v, count, count, size), count, count);
  const half = combined(t, seen, count, count).map((value) => -value / 2);
  add(x, combined(half, v, count, size));
  const [vs, xs] = [v, x].map((rows) => transposed(rows, count, size).subarray(first * count)) as [
    Float64Array,
    Float64Array,
  ];
  const result = await times(beside(vs, xs, n, count), beside(xs, vs, n, count), n, n, 2 * count);
  for (let i = 0; i < n; i++) {
    const row = (first + i) * size + first;
    for (let j = 0; j < n; j++) result[i * n + j] = matrix[row + j]! - result[i * n + j]!;
  }
  return result;
}

/** T [count × count], upper triangular, of reflections in a row; `products`: of their vectors with each other. */
function joined(taus: readonly number[], products: Float64Array): Float64Array {
  const count = taus.length;
  const t = new Float64Array(count * count);
  for (const [j, tau] of taus.entries()) {
    t[j * count + j] = tau;
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum += t[i * count + k]! * products[k * count + j]!;
      t[i * count + j] = -tau * sum;
    }
  }
  return t;
}

/** Aᵀ·B: `a` [count × count], `b` [count × n]. Four rows of B at a time, so that the result is gone through as seldom. */
function combined(a: Float64Array, b: Float64Array, count: number, n: number): Float64Array {
  const result = new Float64Array(count * n);
  const factor = (k: number, i: number) => (k < count ? a[k * count + i]! : 0);
  const rowOf = (k: number) => Math.min(k, count - 1) * n;
  for (let k = 0; k < count; k += 4) {
    const [b0, b1, b2, b3] = [rowOf(k), rowOf(k + 1), rowOf(k + 2), rowOf(k + 3)];
    for (let i = 0; i < count; i++) {
      const [f0, f1, f2, f3] = [factor(k, i), factor(k + 1, i), factor(k + 2, i), factor(k + 3, i)];
      if (f0 === 0 && f1 === 0 && f2 === 0 && f3 === 0) continue;
      for (let j = 0; j < n; j++)
        result[i * n + j]! += f0 * b[b0 + j]! + f1 * b[b1 + j]! + (f2 * b[b2 + j]! + f3 * b[b3 + j]!);
    }
  }
  return result;
}

function add(x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += y[i]!;
}

/** Rows of a, each followed by that of b: [n × 2·count]. */
function beside(a: Float64Array, b: Float64Array, n: number, count: number): Float64Array {
  const result = new Float64Array(2 * n * count);
  for (let i = 0; i < n; i++) {
    result.set(a.subarray(i * count, (i + 1) * count), 2 * i * count);
    result.set(b.subarray(i * count, (i + 1) * count), (2 * i + 1) * count);
  }
  return result;
}

/**
 * The diagonal of a tridiagonal matrix of a band's eigenvalues, and what stands beside it: `off[i]` beside `diagonal[i]` and
 * `diagonal[i + 1]`; the last is 0. Overwrites the band.
 *
 * A column at a time is reflected onto the entry below the diagonal; what that brings up beyond the band is chased down
 * and out, only as far as the next column needs it. About 3 n²·width multiplications.
 *
 * Source: Murata, Horikoshi 1975, A new method for the tridiagonalization of the symmetric band matrix (Information
 * Processing in Japan 15).
 */
export function tridiagonalOf(band: Band): { diagonal: Float64Array; off: Float64Array } {
  const { n, width, entries } = band;
  const place = placeOf(band);
  for (let column = 0; column < n - 2; column++) {
    let [from, first] = [column, column + 1];
    while (first < n - 1) {
      const end = Math.min(first + width, n);
      // along a column, entries stand a row less one apart
      const one = reflector(entries, place(first, from), end - first, 2 * width);
      entries[place(first, from)] = one.beta;
      for (let i = first + 1; i < end; i++) entries[place(i, from)] = 0;
      if (one.tau !== 0) {
        if (from > column) reflectRows(band, first, from + 1, first, one);
        reflectBoth(band, first, one);
        for (let i = end; i < Math.min(end + width, n); i++) reflect(entries, place(i, first), one);
      }
      [from, first] = [first, end];
    }
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => entries[place(i, i)]!);
  const off = Float64Array.from({ length: n }, (_, i) => (i < n - 1 ? entries[place(i + 1, i)]! : 0));
  return { diagonal, off };
}

/** x := H x of the numbers from `start` on. */
function reflect(numbers: Float64Array, start: number, { v, tau }: Reflector): void {
  const size = v.length;
  let projection = 0;
  for (let i = 0; i < size; i++) projection += v[i]! * numbers[start + i]!;
  projection *= tau;
  for (let i = 0; i < size; i++) numbers[start + i]! -= projection * v[i]!;
}

/** A := H A of the rows from `first` on, in columns `left` to `right` − 1. Two rows at a time, for their sums are one. */
function reflectRows(band: Band, first: number, left: number, right: number, { v, tau }: Reflector): void {
  const { entries } = band;
  const place = placeOf(band);
  const [size, width] = [v.length, right - left];
  const projections = new Float64Array(width);
  let i = 0;
  for (; i + 1 < size; i += 2) {
    const [start, next] = [place(first + i, left), place(first + i + 1, left)];
    const [vi, vn] = [v[i]!, v[i + 1]!];
    for (let j = 0; j < width; j++) projections[j]! += vi * entries[start + j]! + vn * entries[next + j]!;
  }
  for (; i < size; i++) {
    const start = place(first + i, left);
    for (let j = 0; j < width; j++) projections[j]! += v[i]! * entries[start + j]!;
  }
  for (let i = 0; i < size; i++) {
    const start = place(first + i, left);
    const factor = tau * v[i]!;
    for (let j = 0; j < width; j++) entries[start + j]! -= factor * projections[j]!;
  }
}

/** A := H A H of the block on the diagonal from `first` on. */
function reflectBoth(band: Band, first: number, { v, tau }: Reflector): void {
  const { entries } = band;
  const place = placeOf(band);
  const p = new Float64Array(v.length);
  for (let i = 0; i < v.length; i++) {
    const start = place(first + i, first);
    const vi = v[i]!;
    let sum = entries[start + i]! * vi;
    for (let j = 0; j < i; j++) {
      const value = entries[start + j]!;
      sum += value * v[j]!;
      p[j]! += value * vi;
    }
    p[i]! += sum;
  }
  let projection = 0;
  for (let i = 0; i < v.length; i++) projection += (p[i]! *= tau) * v[i]!;
  for (let i = 0; i < v.length; i++) p[i]! -= (tau / 2) * projection * v[i]!;
  for (let i = 0; i < v.length; i++) {
    const start = place(first + i, first);
    const [vi, pi] = [v[i]!, p[i]!];
    for (let j = 0; j <= i; j++) entries[start + j]! -= vi * p[j]! + pi * v[j]!;
  }
}
