import {
  lowerRows,
  mirror,
  type TimesTransposed,
  tilesBelow,
  timesTransposed,
  transposed,
} from './algebra/matrix.js';
import { featureFault, statisticsFault } from './errors.js';
import { checkVectors, type FeatureSet } from './feature-set.js';

/** Mean and covariance of feature vectors: `mu` [dim], `sigma` [dim × dim] symmetric, both double. */
export interface Statistics {
  readonly mu: Float64Array;
  readonly sigma: Float64Array;
}

/**
 * Mean and covariance (n − 1 in the denominator) of feature vectors that come in sets, in this order: however they are cut
 * into sets, the same bits.
 *
 * - `sets` is gone through twice; from files it holds one at a time.
 * - In double, of what each vector is away from the mean, so that nothing cancels however far that is from zero.
 * - `times`: what multiplies matrices, by default one core in JavaScript. Nearly all of the work is its: dim² products for
 *   each vector.
 *
 * @throws MetricsError E_FEATURES where sets are of several sizes or hold what is no vector of finite numbers; E_STATISTICS
 *   with fewer than two vectors.
 */
export async function statistics(
  sets: Iterable<FeatureSet> | AsyncIterable<FeatureSet>,
  { times = timesTransposed }: { readonly times?: TimesTransposed } = {},
): Promise<Statistics & { readonly n: number }> {
  let n = 0;
  const sums: number[] = [];
  for await (const { dim, data } of sets) {
    if (sums.length === 0) sums.push(...new Array<number>(dim).fill(0));
    checkSameFeatures(sums.length, dim);
    checkVectors(data, dim);
    for (let start = 0; start < data.length; start += dim)
      for (let i = 0; i < dim; i++) sums[i]! += data[start + i]!;
    n += data.length / dim;
  }
  if (n < 2) throw statisticsFault(`a covariance needs at least 2 vectors, and there are ${n}`, { n });
  const dim = sums.length;
  const mu = Float64Array.from(sums, (sum) => sum / n);
  const sigma = new Float64Array(dim * dim);
  for await (const { vectors, count } of centred(sets, mu)) {
    const columns = transposed(vectors, count, dim);
    for await (const { top, end, products } of lowerRows(columns, columns, dim, count, times))
      for (let i = top; i < end; i++)
        for (let j = 0; j <= i; j++) sigma[i * dim + j]! += products[(i - top) * end + j]!;
  }
  for (let i = 0; i < sigma.length; i++) sigma[i]! /= n - 1;
  mirror(sigma, dim);
  return { mu, sigma, n };
}

/** Vectors whose products are summed before they are added to those of others. */
const BLOCK = 512;

/**
 * The vectors less their mean `mu` [dim]: [count × dim] in double, `BLOCK` of them at a time whatever sets they come in. The
 * next are written over them.
 */
export async function* centred(
  sets: Iterable<FeatureSet> | AsyncIterable<FeatureSet>,
  mu: Float64Array,
): AsyncGenerator<{ vectors: Float64Array; count: number }> {
  const dim = mu.length;
  const vectors = new Float64Array(BLOCK * dim);
  let count = 0;
  const block = () => ({ vectors: vectors.subarray(0, count * dim), count });
  for await (const { dim: found, data } of sets) {
    checkSameFeatures(dim, found);
    for (let start = 0; start < data.length; start += dim) {
      for (let i = 0; i < dim; i++) vectors[count * dim + i] = data[start + i]! - mu[i]!;
      count++;
      if (count < BLOCK) continue;
      yield block();
      count = 0;
    }
  }
  if (count > 0) yield block();
}

function checkSameFeatures(dim: number, found: number): void {
  if (found === dim) return;
  throw featureFault(
    `sets of ${dim} and of ${found} features are no one set; compute both with the same feature network`,
    { dims: [dim, found] },
  );
}

/** Sizes that fit, finite numbers, a symmetric sigma without negative variances. */
export function checkStatistics({ mu, sigma }: Statistics, label: string): void {
  const fail = (why: string, evidence: Record<string, unknown>) => {
    throw statisticsFault(`${label}: ${why}`, { statistics: label, ...evidence });
  };
  const dim = mu.length;
  if (dim === 0 || sigma.length !== dim * dim)
    fail(`sigma has ${sigma.length} entries, and mu of ${dim} features asks for ${dim * dim}`, {
      dim,
      sigma: sigma.length,
    });
  for (const [name, values] of Object.entries({ mu, sigma })) {
    for (let i = 0; i < values.length; i++)
      if (!Number.isFinite(values[i]))
        fail(`entry ${i} of ${name} is ${values[i]}`, { array: name, entry: i, value: values[i] });
  }
  let scale = 0;
  for (let i = 0; i < dim; i++) scale = Math.max(scale, sigma[i * dim + i]!);
  for (const { top, end, left, right } of tilesBelow(dim))
    for (let i = top; i < end; i++)
      for (let j = left; j < right; j++) {
        const [lower, upper] = [sigma[i * dim + j]!, sigma[j * dim + i]!];
        if (Math.abs(lower - upper) > 1e-6 * scale)
          fail(`sigma is not symmetric: ${lower} at (${i}, ${j}), ${upper} at (${j}, ${i})`, {
            i,
            j,
            lower,
            upper,
          });
      }
  for (let i = 0; i < dim; i++)
    if (sigma[i * dim + i]! < -1e-6 * scale)
      fail(`the variance of feature ${i} is ${sigma[i * dim + i]}`, {
        feature: i,
        variance: sigma[i * dim + i],
      });
}

/** Two that can be compared, by these labels. @throws MetricsError E_STATISTICS */
export function checkPair(a: Statistics, b: Statistics): void {
  checkStatistics(a, 'first statistics');
  checkStatistics(b, 'second statistics');
  if (a.mu.length !== b.mu.length)
    throw statisticsFault(
      `statistics of ${a.mu.length} and of ${b.mu.length} features can't be compared; compute both with the same feature network`,
      { dims: [a.mu.length, b.mu.length] },
    );
}
