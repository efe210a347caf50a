import { statisticsFault } from './errors.js';
import type { NpyArray } from './npy.js';
import { readNpz, writeNpz } from './npz.js';

/** Mean and covariance of feature vectors: `mu` [dim], `sigma` [dim × dim] symmetric, both double. */
export interface Statistics {
  readonly mu: Float64Array;
  readonly sigma: Float64Array;
}

/**
 * Reads reference statistics as the official code writes them: an .npz file with `mu` [dim] and `sigma` [dim, dim].
 *
 * `label`: how errors call it, best its path.
 *
 * @throws MetricsError E_NPZ where it is no .npz file; E_STATISTICS where it holds no usable statistics.
 */
export async function readStatistics(bytes: Uint8Array, label = 'statistics'): Promise<Statistics> {
  const arrays = await readNpz(bytes, label);
  const numbers = (name: string): NpyArray => {
    const array = arrays[name];
    if (!array)
      throw statisticsFault(
        `${label}: reference statistics are arrays "mu" and "sigma", and it holds ${Object.keys(arrays).join(', ') || 'none'}`,
        { file: label, found: Object.keys(arrays) },
      );
    return array;
  };
  const [mu, sigma] = [numbers('mu'), numbers('sigma')];
  const dim = mu.shape[0] ?? 0;
  if (mu.shape.length !== 1 || sigma.shape.length !== 2 || sigma.shape.some((size) => size !== dim))
    throw statisticsFault(
      `${label}: mu [dim] and sigma [dim, dim] do not fit together: [${mu.shape.join(', ')}] and [${sigma.shape.join(', ')}]`,
      { file: label, mu: mu.shape, sigma: sigma.shape },
    );
  const result = { mu: Float64Array.from(mu.data, Number), sigma: Float64Array.from(sigma.data, Number) };
  checkStatistics(result, label);
  return result;
}

/** The bytes of an .npz file with `mu` and `sigma` in double, which the official code reads. Deterministic. */
export function writeStatistics({ mu, sigma }: Statistics): Promise<Uint8Array> {
  checkStatistics({ mu, sigma }, 'statistics');
  return writeNpz({
    mu: { dtype: 'float64', shape: [mu.length], data: mu },
    sigma: { dtype: 'float64', shape: [mu.length, mu.length], data: sigma },
  });
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
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      fail(`entry ${bad} of ${name} is ${values[bad]}`, { array: name, entry: bad, value: values[bad] });
  }
  let scale = 0;
  for (let i = 0; i < dim; i++) scale = Math.max(scale, sigma[i * dim + i]!);
  for (let i = 0; i < dim; i++)
    for (let j = 0; j <= i; j++) {
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
