import { featureFault, statisticsFault } from './errors.js';
import { checkVectors } from './feature-set.js';
import type { Statistics } from './statistics.js';

/**
 * The exact sums n, Σx and Σxxᵀ of feature vectors x of `dim` numbers: plain data, in one canonical form.
 *
 * With y = (1, x) all three are entries of Σyyᵀ, kept as its packed lower triangle: entry (i, j ≤ i) at
 * i(i+1)/2 + j, (dim+1)(dim+2)/2 entries. Each entry is a fixed-point number Σ_p digit_p · 2^(44·(lowest + p)) in
 * balanced digits −2^43 ≤ digit < 2^43, and `digits` holds plane after plane: [planes × entries]. The first and
 * the last plane are not all zero.
 */
export interface Moments {
  readonly dim: number;
  readonly lowest: number;
  readonly digits: Float64Array;
}

/** Bits of a digit: with blocks of 256 products every sum of digits stays below 2^53, so it is exact. */
export const DIGIT_BITS = 44;
const RADIX = 2 ** DIGIT_BITS;
const BLOCK = 256;

/** Entries of the packed triangle of (1, x)(1, x)ᵀ. */
export const entryCount = (dim: number): number => ((dim + 1) * (dim + 2)) / 2;

/** No vectors yet. @throws MetricsError E_FEATURES where `dim` is no positive whole number. */
export function emptyMoments(dim: number): Moments {
  if (!(Number.isSafeInteger(dim) && dim > 0))
    throw featureFault(`a feature vector has a positive whole number of entries, not ${dim}`, { dim });
  return { dim, lowest: 0, digits: new Float64Array(0) };
}

/**
 * The moments with more vectors in them.
 *
 * - `features`: [n × dim], row-major. A product of two float32 numbers is exact in double and the sums lose no bit,
 *   so the result depends on which vectors were added, and not on their order or on how they were split into calls.
 * - Cost, one core: about 4 ns per vector and entry (dim²/2 entries), plus 8 bytes per entry and digit plane, of
 *   which features within a few orders of magnitude need three or four.
 *
 * @throws MetricsError E_FEATURES where `features` is no whole number of vectors or holds NaN or an infinity.
 */
export function addFeatures(moments: Moments, features: Float32Array): Moments {
  const { dim } = moments;
  checkVectors(features, dim);
  const n = features.length / dim;
  if (n === 0) return moments;

  const range = planeRange(features);
  const digits = new Float64Array((range.end + 1 - range.lowest) * entryCount(dim));
  for (let start = 0; start < n; start += BLOCK)
    addBlock(digits, dim, range, features.subarray(start * dim, (start + BLOCK) * dim));
  return mergeMoments(moments, canonical(dim, range.lowest, digits));
}

/**
 * The moments of both sets together, exactly: any order and grouping of merges gives the same bits.
 *
 * @throws MetricsError E_FEATURES where the dimensions differ.
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  if (a.dim !== b.dim)
    throw featureFault(
      `moments of ${a.dim} and of ${b.dim} features can't be merged; they come from different feature networks`,
      { dims: [a.dim, b.dim] },
    );
  const entries = entryCount(a.dim);
  const parts = [a, b].filter((part) => part.digits.length > 0);
  if (parts.length < 2) return parts[0] ?? a;
  const lowest = Math.min(a.lowest, b.lowest);
  const end = Math.max(...parts.map((part) => part.lowest + part.digits.length / entries));
  const digits = new Float64Array((end + 1 - lowest) * entries);
  for (const part of parts) {
    const offset = (part.lowest - lowest) * entries;
    for (let i = 0; i < part.digits.length; i++) digits[offset + i]! += part.digits[i]!;
  }
  return canonical(a.dim, lowest, digits);
}

/** Carries, so that every digit is balanced, and drops the outer planes that are all zero. */
function canonical(dim: number, lowest: number, digits: Float64Array): Moments {
  const entries = entryCount(dim);
  carry(digits, entries);
  const isZero = (plane: number) =>
    digits.subarray(plane * entries, (plane + 1) * entries).every((digit) => digit === 0);
  let [first, end] = [0, digits.length / entries];
  while (end > first && isZero(end - 1)) end--;
  while (first < end && isZero(first)) first++;
  return {
    dim,
    lowest: end === 0 ? 0 : lowest + first,
    digits: digits.slice(first * entries, end * entries),
  };
}

/** Moves what exceeds a balanced digit to the next plane. The last plane is the caller's spare one and takes the carry. */
function carry(digits: Float64Array, entries: number): void {
  for (let i = 0; i + entries < digits.length; i++) {
    const over = Math.floor(digits[i]! / RADIX + 0.5);
    digits[i]! -= over * RADIX;
    digits[i + entries]! += over;
  }
}

/** The exponents of the largest value and of the last bit set of any value; 1 (the constant entry) is among them. */
function bitRange(features: Float32Array): { top: number; last: number } {
  const bits = new Uint32Array(features.buffer, features.byteOffset, features.length);
  let [top, last] = [0, 0];
  for (const word of bits) {
    const fraction = word & 0x7fffff;
    const exponent = (word >>> 23) & 0xff;
    if (exponent === 0 && fraction === 0) continue;
    const significand = exponent === 0 ? fraction : fraction | 0x800000;
    const unit = Math.max(exponent, 1) - 150;
    top = Math.max(top, unit + 31 - Math.clz32(significand));
    last = Math.min(last, unit + 31 - Math.clz32(significand & -significand));
  }
  return { top, last };
}

type PlaneRange = ReturnType<typeof planeRange>;

/**
 * Planes that hold the products of these features, in an even number: all products are multiples of 2^(44·lowest)
 * and below half of 2^(44·end).
 */
function planeRange(features: Float32Array) {
  const { top, last } = bitRange(features);
  const lowest = Math.floor((2 * last) / DIGIT_BITS);
  const end = Math.floor((2 * top + 3) / DIGIT_BITS) + 1;
  return { lowest: (end - lowest) % 2 === 0 ? lowest : lowest - 1, end };
}

/** Adds the products of at most 256 vectors to planes of sums, of which there is one more than products touch, for carries. */
function addBlock(digits: Float64Array, dim: number, { lowest, end }: PlaneRange, block: Float32Array): void {
  const n = block.length / dim;
  const ones = new Float64Array(n).fill(1);
  const columns = [ones];
  for (let i = 0; i < dim; i++) columns.push(Float64Array.from({ length: n }, (_, k) => block[k * dim + i]!));

  const entries = entryCount(dim);
  const units = Float64Array.from({ length: end - lowest }, (_, p) => 2 ** (DIGIT_BITS * (lowest + p)));
  const rest = new Float64Array(n);
  const sums = new Float64Array(2);
  let entry = 0;
  for (let i = 0; i <= dim; i++) {
    for (let j = 0; j <= i; j++, entry++) {
      let [x, y] = [columns[i]!, columns[j]!];
      for (let plane = end - lowest - 2; plane >= 0; plane -= 2) {
        const unit = units[plane]!;
        extract(x, y, unit, rest, sums);
        digits[plane * entries + entry]! += sums[0]! / unit;
        digits[(plane + 1) * entries + entry]! += sums[1]! / (unit * RADIX);
        x = rest;
        y = ones;
      }
    }
  }
  carry(digits, entries);
}

/**
 * Splits every product x·y into a multiple of unit · 2^44, a multiple of `unit` and a rest. `sums`: of the second
 * and of the first. x may be `rest` itself.
 *
 * (p + anchor) − anchor with anchor = 1.5 · 2^52 · unit rounds p to a multiple of `unit`; that part and the rest are
 * both exact, the rest is at most half a unit, and so goes to the planes below in the same way. Two planes a pass
 * keep a processor's adders busy: a pass costs little more than a plain scalar product.
 */
function extract(
  x: Float64Array,
  y: Float64Array,
  unit: number,
  rest: Float64Array,
  sums: Float64Array,
): void {
  const anchor = 1.5 * 2 ** 52 * unit;
  const anchorUp = anchor * RADIX;
  let upper = 0;
  let lower = 0;
  for (let k = 0; k < rest.length; k++) {
    const product = x[k]! * y[k]!;
    const up = product + anchorUp - anchorUp;
    const below = product - up;
    const low = below + anchor - anchor;
    upper += up;
    lower += low;
    rest[k] = below - low;
  }
  sums[0] = lower;
  sums[1] = upper;
}

/**
 * Mean and covariance (n − 1 in the denominator).
 *
 * σ_ij = (n Σx_i x_j − Σx_i Σx_j) / (n (n − 1)): the numerator is exact and rounded once, so nothing cancels however
 * far the mean is from zero.
 *
 * @throws MetricsError E_STATISTICS with fewer than two vectors.
 */
export function statistics(moments: Moments): Statistics & { readonly n: number } {
  const { dim, lowest } = moments;
  const exact = exactEntries(moments);
  // Entries are whole numbers of 2^(44·lowest); lowest ≤ 0, since the entry n is a whole number of ones.
  const one = 1n << BigInt(-DIGIT_BITS * lowest);
  const n = exact.length === 0 ? 0 : Number(exact[0]! / one);
  if (n < 2) throw statisticsFault(`a covariance needs at least 2 vectors, and there are ${n}`, { n });
  const unit = 2 ** (DIGIT_BITS * lowest);
  const mu = new Float64Array(dim);
  const sigma = new Float64Array(dim * dim);
  for (let i = 0; i < dim; i++) {
    const row = ((i + 1) * (i + 2)) / 2;
    const sumI = exact[row]!;
    mu[i] = (Number(sumI) * unit) / n;
    for (let j = 0; j <= i; j++) {
      const sumJ = exact[((j + 1) * (j + 2)) / 2]!;
      const scatter = BigInt(n) * exact[row + j + 1]! * one - sumI * sumJ;
      sigma[i * dim + j] = sigma[j * dim + i] = (Number(scatter) * unit * unit) / (n * (n - 1));
    }
  }
  return { mu, sigma, n };
}

function exactEntries({ dim, digits }: Moments): bigint[] {
  const entries = entryCount(dim);
  const planes = digits.length / entries;
  if (planes === 0) return [];
  return Array.from({ length: entries }, (_, entry) => {
    let value = 0n;
    for (let plane = planes - 1; plane >= 0; plane--)
      value = (value << BigInt(DIGIT_BITS)) + BigInt(digits[plane * entries + entry]!);
    return value;
  });
}
