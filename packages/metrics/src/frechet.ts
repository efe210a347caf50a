import { choleskyRows } from './cholesky.js';
import { symmetricEigenvalues } from './eigenvalues.js';
import { statisticsFault } from './errors.js';
import { type TimesTransposed, timesTransposed } from './matrix.js';
import { checkStatistics, type Statistics } from './statistics.js';

/**
 * The Fréchet distance of two Gaussians, |μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½): FID on a feature network's
 * statistics (Heusel et al. 2017, arXiv:1706.08500).
 *
 * - `times`: what multiplies matrices, by default one core in JavaScript. Nearly all of the work is its.
 * - The trace of the root is Σ √λ over the eigenvalues λ of L Σ_b Lᵀ with Lᵀ L = Σ_a, negative ones (rounding) as 0.
 *   That matrix is symmetric, so nothing complex comes up, whatever the ranks. The official code takes the real part
 *   of a general matrix root: equal where the covariances have full rank, else within its rounding, about 1e-8.
 * - Equal statistics give 0 up to rounding, which may be below 0.
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

  const { rows, rank } = await choleskyRows(a.sigma, dim, times);
  const half = await times(rows, b.sigma, rank, dim, dim);
  const product = await times(half, rows, rank, rank, dim);
  for (const eigenvalue of await symmetricEigenvalues(product, rank, times))
    distance -= 2 * Math.sqrt(Math.max(0, eigenvalue));
  if (!Number.isFinite(distance))
    throw statisticsFault(
      'the Fréchet distance is beyond the range of double: variances are too large; these are no features of a network',
      { distance },
    );
  return distance;
}
