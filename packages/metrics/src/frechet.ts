import { choleskyRows } from './algebra/cholesky.js';
import { symmetricEigenvalues } from './algebra/eigenvalues.js';
import { lowerRows, mirror, type TimesTransposed, timesTransposed } from './algebra/matrix.js';
import { statisticsFault } from './errors.js';
import { checkStatistics, type Statistics } from './statistics.js';

/**
 * The Fréchet distance of two Gaussians, |μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½): FID on a feature network's
 * statistics (Heusel et al. 2017, arXiv:1706.08500).
 *
 * - `times`: what multiplies matrices, by default one core in JavaScript. Nearly all of the work is its.
 * - The trace of the root is the sum of the singular values of L_a L_bᵀ with Lᵀ L = Σ, as the roots of the eigenvalues of
 *   that matrix times its own transpose, negative ones (rounding) as 0. It is symmetric, so nothing complex comes up, and as
 *   large as the lower of both ranks, so that no noise comes in where there are fewer vectors than features. The official
 *   code takes the real part of a general matrix root: equal where the covariances have full rank, else within its
 *   rounding, about 1e-8.
 * - Within 1e-12 of the variances' sum, also of fewer vectors than features, or where features depend on each other; where
 *   one covariance alone has variances about 0, within 1e-8 of it. Equal statistics give 0 that closely; it may be below 0.
 *
 * @throws MetricsError E_STATISTICS where sizes differ, a number is not finite or a sigma is no covariance.
 */
export async function frechetDistance(
  a: Statistics,
  b: Statistics,
  { times = timesTransposed }: { readonly times?: TimesTransposed } = {},
): Promise<number> {
  checkStatistics(a, 'first statistics');
  checkStatistics(b, 'second statistics');
  const dim = a.mu.length;
  if (b.mu.length !== dim)
    throw statisticsFault(
      `statistics of ${dim} and of ${b.mu.length} features can't be compared; compute both with the same feature network`,
      { dims: [dim, b.mu.length] },
    );
  let distance = 0;
  for (let i = 0; i < dim; i++)
    distance += (a.mu[i]! - b.mu[i]!) ** 2 + a.sigma[i * dim + i]! + b.sigma[i * dim + i]!;

  const [more, fewer] = await factors(a, b, dim, times);
  const between = await times(fewer.rows, more.rows, fewer.rank, more.rank, dim);
  const product = await squared(between, fewer.rank, more.rank, times);
  for (const eigenvalue of await symmetricEigenvalues(product, fewer.rank, times))
    distance -= 2 * Math.sqrt(Math.max(0, eigenvalue));
  if (!Number.isFinite(distance))
    throw statisticsFault(
      'the Fréchet distance is beyond the range of double: variances are too large; these are no features of a network',
      { distance },
    );
  return distance;
}

/** Those of both covariances, the one of lower rank last. */
async function factors(a: Statistics, b: Statistics, dim: number, times: TimesTransposed) {
  const ofA = await choleskyRows(a.sigma, dim, times);
  const ofB = await choleskyRows(b.sigma, dim, times);
  return ofA.rank < ofB.rank ? ([ofB, ofA] as const) : ([ofA, ofB] as const);
}

/** A·Aᵀ [n × n]; `a` [n × inner]. */
async function squared(
  a: Float64Array,
  n: number,
  inner: number,
  times: TimesTransposed,
): Promise<Float64Array> {
  const result = new Float64Array(n * n);
  for await (const { top, end, products } of lowerRows(a, a, n, inner, times))
    for (let i = top; i < end; i++)
      result.set(products.subarray((i - top) * end, (i - top) * end + i + 1), i * n);
  mirror(result, n);
  return result;
}
