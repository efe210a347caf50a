import { featureFault } from './errors.js';
import { counts, dot, eachPair, eachPairBelow, type FeatureSet } from './feature-set.js';

/**
 * Kernel inception distance: the unbiased estimate of the squared maximum mean discrepancy under the kernel
 * (x·y/dim + 1)³, in double, not scaled by 1000 (Bińkowski et al. 2018, arXiv:1801.01401, section 4).
 *
 * n²/2 + m²/2 + n·m scalar products; nothing of that size is held. May be below 0, as an unbiased estimate must.
 *
 * @throws MetricsError E_FEATURES where dimensions differ, a set has fewer than 2 vectors or a number is not finite.
 */
export function kid(x: FeatureSet, y: FeatureSet): number {
  const [n, m] = counts(x, y);
  if (n < 2 || m < 2)
    throw featureFault(`KID needs at least 2 vectors a set, and they have ${n} and ${m}`, { counts: [n, m] });
  const kernel = (a: FeatureSet, i: number, b: FeatureSet, j: number) => {
    const base = dot(a, i, b, j) / a.dim + 1;
    // Not base ** 3: an engine may round a power in its own way.
    return base * base * base;
  };
  const within = (set: FeatureSet, count: number) => {
    let sum = 0;
    eachPairBelow(count, (i, j) => {
      sum += kernel(set, i, set, j);
    });
    return (2 * sum) / (count * (count - 1));
  };
  let across = 0;
  eachPair(n, m, (i, j) => {
    across += kernel(x, i, y, j);
  });
  return within(x, n) + within(y, m) - (2 * across) / (n * m);
}

/** The random subsets of `kidOverSubsets`, as many of each set. */
export interface KidSubsets {
  readonly subsets: number;
  /** Vectors of each set in a subset, drawn without repetition. */
  readonly size: number;
  /** A whole number in 0 … below − 1, uniformly: what makes the subsets, so equal draws give equal results. */
  readonly draw: (below: number) => number;
}

/**
 * KID as it is usually reported: mean and standard deviation (n − 1) over random subsets.
 *
 * @throws MetricsError E_FEATURES as `kid`, and where a subset would be larger than a set.
 */
export function kidOverSubsets(
  x: FeatureSet,
  y: FeatureSet,
  { subsets, size, draw }: KidSubsets,
): { readonly mean: number; readonly deviation: number } {
  const [n, m] = counts(x, y);
  if (![subsets, size].every(Number.isInteger) || subsets < 1 || size < 2 || size > Math.min(n, m))
    throw featureFault(
      `${subsets} subsets of ${size} can't be drawn from ${n} and ${m} vectors; take at least 1 subset of 2 to ${Math.min(n, m)}`,
      { subsets, size, counts: [n, m] },
    );
  const values = Array.from({ length: subsets }, () =>
    kid(pick(x, draws(n, size, draw)), pick(y, draws(m, size, draw))),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / subsets;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: subsets === 1 ? 0 : Math.sqrt(squares / (subsets - 1)) };
}

/** `size` different numbers below n: the first draws of a Fisher-Yates shuffle. */
function draws(n: number, size: number, draw: (below: number) => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: size }, (_, i) => {
    const j = i + draw(n - i);
    if (!(Number.isInteger(j) && j >= i && j < n))
      throw featureFault(`draw(${n - i}) gave ${j - i}, no whole number below ${n - i}`, {
        below: n - i,
        drawn: j - i,
      });
    const chosen = order[j]!;
    order[j] = order[i]!;
    return chosen;
  });
}

function pick({ dim, data }: FeatureSet, rows: readonly number[]): FeatureSet {
  const picked = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    picked.set(data.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return { dim, data: picked };
}
