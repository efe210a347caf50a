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
 * T (SIAM J. Sci. Stat. Comput. 10). T is kept as its transpose, V as rows and as columns.
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
  const columns = transposed(v, count, size);
  // the names of `bandOf`, each [size × count]
  const w = await times(await times(matrix, v, size, count, size), t, size, count, count);
  const seen = await times(v, transposed(w, size, count), count, count, size);
  const half = await times(transposed(seen, count, count), t, count, count, count);
  const x = await times(columns, half, size, count, count);
  for (let i = 0; i < x.length; i++) x[i] = w[i]! - x[i]! / 2;
  const [vs, xs] = [columns, x].map((matrix) => matrix.subarray(first * count)) as [
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

/** Tᵀ [count × count], lower triangular, of reflections in a row; `products`: of their vectors with each other. */
function joined(taus: readonly number[], products: Float64Array): Float64Array {
  const count = taus.length;
  const t = new Float64Array(count * count);
  for (const [j, tau] of taus.entries()) {
    t[j * count + j] = tau;
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum += t[k * count + i]! * products[k * count + j]!;
      t[j * count + i] = -tau * sum;
    }
  }
  return t;
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
  // for every reflector the same room: there are n²/2·width of them
  const [room, sums] = [new Float64Array(width), new Float64Array(width)];
  for (let column = 0; column < n - 2; column++) {
    let [from, first] = [column, column + 1];
    while (first < n - 1) {
      const end = Math.min(first + width, n);
      // along a column, entries stand a row less one apart
      const one = reflector(entries, place(first, from), end - first, 2 * width, room);
      entries[place(first, from)] = one.beta;
      for (let i = first + 1; i < end; i++) entries[place(i, from)] = 0;
      if (one.tau !== 0) {
        if (from > column) reflectRows(band, first, end, from + 1, one, sums);
        reflectBoth(band, first, end, one, sums);
        reflectColumns(band, end, Math.min(end + width, n), first, one);
      }
      [from, first] = [first, end];
    }
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => entries[place(i, i)]!);
  const off = Float64Array.from({ length: n }, (_, i) => (i < n - 1 ? entries[place(i + 1, i)]! : 0));
  return { diagonal, off };
}

/** x := H x of the numbers from `start` on. Four sums, for one would wait for itself. */
function reflect(numbers: Float64Array, start: number, { v, tau }: Reflector): void {
  const size = v.length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < size; i += 4) {
    s0 += v[i]! * numbers[start + i]!;
    s1 += v[i + 1]! * numbers[start + i + 1]!;
    s2 += v[i + 2]! * numbers[start + i + 2]!;
    s3 += v[i + 3]! * numbers[start + i + 3]!;
  }
  for (; i < size; i++) s0 += v[i]! * numbers[start + i]!;
  const projection = tau * (s0 + s1 + (s2 + s3));
  for (i = 0; i < size; i++) numbers[start + i]! -= projection * v[i]!;
}

/** A := H A of rows `first` to `end` − 1, in columns `left` to `first` − 1. Four rows at a time, for their sums are one. */
function reflectRows(
  { width, entries }: Band,
  first: number,
  end: number,
  left: number,
  { v, tau }: Reflector,
  sums: Float64Array,
): void {
  const columns = first - left;
  const apart = 2 * width; // of one column's entries
  const start = first * (apart + 1) + left - first + apart;
  const size = end - first;
  sums.fill(0);
  let i = 0;
  for (; i + 3 < size; i += 4) {
    const row = start + i * apart;
    const [v0, v1, v2, v3] = [v[i]!, v[i + 1]!, v[i + 2]!, v[i + 3]!];
    for (let j = 0; j < columns; j++) {
      const at = row + j;
      sums[j]! +=
        v0 * entries[at]! +
        v1 * entries[at + apart]! +
        (v2 * entries[at + 2 * apart]! + v3 * entries[at + 3 * apart]!);
    }
  }
  for (; i < size; i++) for (let j = 0; j < columns; j++) sums[j]! += v[i]! * entries[start + i * apart + j]!;
  for (let j = 0; j < columns; j++) sums[j]! *= tau;
  for (i = 0; i < size; i++) {
    const row = start + i * apart;
    const vi = v[i]!;
    for (let j = 0; j < columns; j++) entries[row + j]! -= vi * sums[j]!;
  }
}

/** A := A H of rows `top` to `bottom` − 1, in columns `first` to `top` − 1. */
function reflectColumns(
  { width, entries }: Band,
  top: number,
  bottom: number,
  first: number,
  { v, tau }: Reflector,
): void {
  const size = top - first;
  const apart = 2 * width;
  const start = top * (apart + 1) + first - top + apart;
  const rows = bottom - top;
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    const r0 = start + i * apart;
    const [r1, r2, r3] = [r0 + apart, r0 + 2 * apart, r0 + 3 * apart];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = 0; j < size; j++) {
      const vj = v[j]!;
      s0 += vj * entries[r0 + j]!;
      s1 += vj * entries[r1 + j]!;
      s2 += vj * entries[r2 + j]!;
      s3 += vj * entries[r3 + j]!;
    }
    [s0, s1, s2, s3] = [tau * s0, tau * s1, tau * s2, tau * s3];
    for (let j = 0; j < size; j++) {
      const vj = v[j]!;
      entries[r0 + j]! -= s0 * vj;
      entries[r1 + j]! -= s1 * vj;
      entries[r2 + j]! -= s2 * vj;
      entries[r3 + j]! -= s3 * vj;
    }
  }
  for (; i < rows; i++) {
    const row = start + i * apart;
    let sum = 0;
    for (let j = 0; j < size; j++) sum += v[j]! * entries[row + j]!;
    for (let j = 0; j < size; j++) entries[row + j]! -= tau * sum * v[j]!;
  }
}

/** A := H A H of the block on the diagonal from `first` to `end` − 1. */
function reflectBoth(
  { width, entries }: Band,
  first: number,
  end: number,
  { v, tau }: Reflector,
  sums: Float64Array,
): void {
  const size = end - first;
  const apart = 2 * width;
  const start = first * (apart + 1) + apart;
  sums.fill(0);
  for (let i = 0; i < size; i++) {
    const row = start + i * apart;
    const vi = v[i]!;
    let sum = entries[row + i]! * vi;
    for (let j = 0; j < i; j++) {
      const value = entries[row + j]!;
      sum += value * v[j]!;
      sums[j]! += value * vi;
    }
    sums[i]! += sum;
  }
  let projection = 0;
  for (let i = 0; i < size; i++) projection += (sums[i]! *= tau) * v[i]!;
  for (let i = 0; i < size; i++) sums[i]! -= (tau / 2) * projection * v[i]!;
  for (let i = 0; i < size; i++) {
    const row = start + i * apart;
    const [vi, si] = [v[i]!, sums[i]!];
    for (let j = 0; j <= i; j++) entries[row + j]! -= vi * sums[j]! + si * v[j]!;
  }
}
