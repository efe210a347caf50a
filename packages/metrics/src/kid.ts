import { type TimesTransposed, timesTransposed } from './algebra/matrix.js';
import { featureFault } from './errors.js';
import { counts, type FeatureSet } from './feature-set.js';

/** An estimate of the kernel inception distance, and how far it may be off. */
export interface Kid {
  /** Unbiased, so it may be below 0; not scaled by 1000. */
  readonly kid: number;
  /**
   * The standard deviation of `kid` over other images from the same two sources, as many of each: kid ± 1.96 of it covers
   * the distance of the sources in 95 of 100 cases. It is no deviation over subsets, which overlap and are smaller.
   */
  readonly standardError: number;
}

/** How KID is computed. */
export interface KidOptions {
  /** What multiplies matrices, by default one core in JavaScript. Nearly all of the work is its. */
  readonly times?: TimesTransposed;
  /** Is told what share of all pairs has been gone through, 0…1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Kernel inception distance over all pairs: the unbiased estimate of the squared maximum mean discrepancy under the kernel
 * (x·y/dim + 1)³, in double (Bińkowski et al. 2018, arXiv:1801.01401, section 4).
 *
 * - (n² + m²)/2 + n·m scalar products; of all pairs no more than 1000 × 1000 are held.
 *
 * @throws MetricsError E_FEATURES where dimensions differ, a set has fewer than 2 vectors or a number is not finite.
 */
export async function kid(x: FeatureSet, y: FeatureSet, options: KidOptions = {}): Promise<Kid> {
  const [n, m] = atLeastTwo(x, y);
  const everything = { x: upTo(n), y: upTo(m) };
  const { kid, standardError } = await over(x, y, [everything], options);
  return { kid, standardError };
}

/** The random subsets of `kidOverSubsets`, as many of each set. */
export interface KidSubsets extends KidOptions {
  readonly subsets: number;
  /** Vectors of each set in a subset, drawn without repetition. */
  readonly size: number;
  /** A whole number in 0 … below − 1, uniformly: what makes the subsets, so equal draws give equal results. */
  readonly draw: (below: number) => number;
}

/**
 * KID as it is usually reported: the mean over random subsets, for sets of which all pairs are too many.
 *
 * - A subset is drawn from the vectors that no subset has had, while these last. Each by itself is as drawn from all; that
 *   they share no vector makes their mean the surer, at 50,000 vectors and 100 subsets of 1000 by a fifth or so.
 * - `deviation`: over subsets (n − 1), as papers have it beside KID. It says how far one subset is off, not the mean.
 *
 * @throws MetricsError E_FEATURES as `kid`, and where a subset would be larger than a set.
 */
export async function kidOverSubsets(
  x: FeatureSet,
  y: FeatureSet,
  { subsets, size, draw, ...options }: KidSubsets,
): Promise<Kid & { readonly deviation: number }> {
  const [n, m] = atLeastTwo(x, y);
  if (![subsets, size].every(Number.isInteger) || subsets < 1 || size < 2 || size > Math.min(n, m))
    throw featureFault(
      `${subsets} subsets of ${size} can't be drawn from ${n} and ${m} vectors; take at least 1 subset of 2 to ${Math.min(n, m)}`,
      { subsets, size, counts: [n, m] },
    );
  const [ofX, ofY] = [dealer(n, size, draw), dealer(m, size, draw)];
  const drawn = Array.from({ length: subsets }, () => ({ x: ofX(), y: ofY() }));
  return over(x, y, drawn, options);
}

function atLeastTwo(x: FeatureSet, y: FeatureSet): [number, number] {
  const [n, m] = counts(x, y);
  if (n < 2 || m < 2)
    throw featureFault(`KID needs at least 2 vectors a set, and they have ${n} and ${m}`, { counts: [n, m] });
  return [n, m];
}

/** Rows of both sets. */
interface Subset {
  readonly x: Int32Array;
  readonly y: Int32Array;
}

/**
 * The mean over subsets, with the error of that mean from what each vector contributes to it: the sum of their squares is
 * the jackknife's variance (Efron and Stein 1981, doi:10.1214/aos/1176345462). That counts twice what pairs have beyond
 * what their two vectors have each, which between like sources is nearly all of the variance, so it is taken off once.
 */
async function over(
  x: FeatureSet,
  y: FeatureSet,
  subsets: readonly Subset[],
  { times = timesTransposed, onProgress = () => {} }: KidOptions,
): Promise<Kid & { readonly deviation: number }> {
  let [done, all] = [0, 0];
  for (const { x, y } of subsets)
    all += productsWithin(x.length) + productsWithin(y.length) + x.length * y.length;
  const multiply: TimesTransposed = async (a, b, rows, columns, inner) => {
    const products = await times(a, b, rows, columns, inner);
    onProgress((done += rows * columns) / all);
    return products;
  };
  const sums = {
    x: new Float64Array(x.data.length / x.dim),
    y: new Float64Array(y.data.length / y.dim),
  };
  const values: number[] = [];
  let pairs = 0;
  for (const rows of subsets) {
    const xx = await kernel(x, rows.x, x, rows.x, multiply);
    const yy = await kernel(y, rows.y, y, rows.y, multiply);
    const xy = await kernel(x, rows.x, y, rows.y, multiply);
    const [n, m] = [rows.x.length, rows.y.length];
    values.push(xx.mean + yy.mean - 2 * xy.mean);
    rows.x.forEach((row, i) => {
      sums.x[row]! += (2 * (xx.rows[i]! - xx.mean - (xy.rows[i]! - xy.mean))) / n;
    });
    rows.y.forEach((row, j) => {
      sums.y[row]! += (2 * (yy.rows[j]! - yy.mean - (xy.columns[j]! - xy.mean))) / m;
    });
    pairs += (2 * xx.rest) / n ** 2 + (2 * yy.rest) / m ** 2 + (4 * xy.rest) / (n * m);
  }
  const mean = sum(values) / values.length;
  const jackknife = squares(sums.x) + squares(sums.y);
  return {
    kid: mean,
    standardError: Math.sqrt(Math.max(jackknife - pairs, pairs)) / values.length,
    deviation:
      values.length === 1 ? 0 : Math.sqrt(squares(values.map((v) => v - mean)) / (values.length - 1)),
  };
}

/** What the kernel gives between vectors, of a vector with itself excepted. */
interface Kernel {
  /** Means over the others, of each vector of the one side and of the other. */
  readonly rows: Float64Array;
  readonly columns: Float64Array;
  readonly mean: number;
  /** Mean square of what is left of a value without its row's and its column's mean. */
  readonly rest: number;
}

/** So many rows of each side are multiplied at a time. */
const BLOCK = 1000;

/** How many products are made of a set of n with itself: of blocks, those up to the diagonal. */
function productsWithin(n: number): number {
  let products = 0;
  for (let start = 0; start < n; start += BLOCK)
    products += Math.min(BLOCK, n - start) * Math.min(n, start + BLOCK);
  return products;
}

async function kernel(
  a: FeatureSet,
  rowsA: Int32Array,
  b: FeatureSet,
  rowsB: Int32Array,
  times: TimesTransposed,
): Promise<Kernel> {
  const isWithin = rowsA === rowsB;
  const [n, m] = [rowsA.length, rowsB.length];
  const rows = new Float64Array(n);
  // within a set, a pair is gone through once and counts for both of its vectors
  const columns = isWithin ? rows : new Float64Array(m);
  let squared = 0;
  for (let i0 = 0; i0 < n; i0 += BLOCK) {
    const left = rowsA.subarray(i0, i0 + BLOCK);
    const leftData = doubles(a, left);
    for (let j0 = 0; j0 < (isWithin ? i0 + 1 : m); j0 += BLOCK) {
      const right = rowsB.subarray(j0, j0 + BLOCK);
      const width = right.length;
      const products = await times(leftData, doubles(b, right), left.length, width, a.dim);
      for (let i = 0; i < left.length; i++) {
        const until = isWithin && i0 === j0 ? i : width;
        for (let j = 0; j < until; j++) {
          const base = products[i * width + j]! / a.dim + 1;
          // Not base ** 3: an engine may round a power in its own way.
          const value = base * base * base;
          rows[i0 + i]! += value;
          columns[j0 + j]! += value;
          squared += value * value;
        }
      }
    }
  }
  const others = isWithin ? n - 1 : m;
  const mean = sum(rows) / (n * others);
  for (let i = 0; i < n; i++) rows[i]! /= others;
  if (isWithin) squared *= 2;
  else for (let j = 0; j < m; j++) columns[j]! /= n;
  const rest = squared / (n * others) - squares(rows) / n - squares(columns) / m + mean ** 2;
  return { rows, columns, mean, rest: Math.max(0, rest) };
}

const sum = (values: Iterable<number>) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

const squares = (values: Iterable<number>) => {
  let total = 0;
  for (const value of values) total += value * value;
  return total;
};

/** Some rows of a set, in double [rows × dim]. */
function doubles({ dim, data }: FeatureSet, rows: Int32Array): Float64Array {
  const result = new Float64Array(rows.length * dim);
  rows.forEach((row, i) => {
    result.set(data.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return result;
}

const upTo = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

/**
 * Deals `size` different numbers below n at a time, and none a second time while as many are left: a Fisher-Yates shuffle
 * that goes on with each call.
 */
function dealer(n: number, size: number, draw: (below: number) => number): () => Int32Array {
  const order = upTo(n);
  let dealt = 0;
  return () => {
    if (dealt + size > n) dealt = 0;
    const end = dealt + size;
    for (let i = dealt; i < end; i++) {
      const j = i + draw(n - i);
      if (!(Number.isInteger(j) && j >= i && j < n))
        throw featureFault(`draw(${n - i}) gave ${j - i}, no whole number below ${n - i}`, {
          below: n - i,
          drawn: j - i,
        });
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    dealt = end;
    return order.slice(end - size, end);
  };
}
