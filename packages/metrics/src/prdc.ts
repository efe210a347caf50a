import { featureFault } from './errors.js';
import { counts, distance, eachPair, eachPairBelow, type FeatureSet } from './feature-set.js';

/** How fakes and reals lie among each other, by the balls that reach to k-th nearest neighbours; the fractions are in 0…1. */
export interface Prdc {
  /** Fraction of fakes inside the ball of some real. */
  readonly precision: number;
  /** Fraction of reals inside the ball of some fake. */
  readonly recall: number;
  /** Number of reals whose ball holds a fake, divided by k, mean over fakes. */
  readonly density: number;
  /** Fraction of reals with a fake in their ball. */
  readonly coverage: number;
  /** [fakes]: the largest radius/distance over the reals whose radius is below the median radius. */
  readonly realism: Float64Array;
  /** [reals]: distance to the k-th nearest other real, the radius of a real's ball. */
  readonly radii: Float64Array;
}

/**
 * Precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991, with realism, its equation 3), density and
 * coverage (Naeem et al. 2020, arXiv:2002.09797) on feature vectors, in double.
 *
 * - A vector's ball has the distance to its k-th nearest other vector of the same set as radius; inside is strict (<).
 * - n²/2 + m²/2 + n·m distances; none is kept, so 50,000 by 50,000 need no memory to speak of.
 *
 * @throws MetricsError E_FEATURES where dimensions differ, a number is not finite or k is not below both set sizes.
 */
export function prdc(real: FeatureSet, fake: FeatureSet, k: number): Prdc {
  const [n, m] = counts(real, fake);
  if (!(Number.isInteger(k) && k >= 1 && k < Math.min(n, m)))
    throw featureFault(
      `there is no ${k}-th nearest other vector in sets of ${n} and ${m}; k is 1 to ${Math.min(n, m) - 1}`,
      { k, counts: [n, m] },
    );
  const radii = nearestRadii(real, n, k);
  const fakeRadii = nearestRadii(fake, m, k);
  const typical = median(radii);

  const ballsAroundFake = new Uint32Array(m);
  const inFakeBall = new Uint8Array(n);
  const covered = new Uint8Array(n);
  const realism = new Float64Array(m);
  eachPair(n, m, (i, j) => {
    const between = distance(real, i, fake, j);
    if (between < radii[i]!) {
      ballsAroundFake[j]!++;
      covered[i] = 1;
    }
    if (between < fakeRadii[j]!) inFakeBall[i] = 1;
    if (radii[i]! < typical) realism[j] = Math.max(realism[j]!, radii[i]! / between);
  });
  return {
    precision: ballsAroundFake.filter((balls) => balls > 0).length / m,
    recall: sum(inFakeBall) / n,
    density: sum(ballsAroundFake) / (k * m),
    coverage: sum(covered) / n,
    realism,
    radii,
  };
}

/** Distance of each vector to its k-th nearest other one. */
function nearestRadii(set: FeatureSet, n: number, k: number): Float64Array {
  // The k smallest distances of each vector so far, ascending.
  const nearest = new Float64Array(n * k).fill(Infinity);
  const insert = (row: number, value: number) => {
    let at = row * k + k - 1;
    if (value >= nearest[at]!) return;
    for (; at > row * k && nearest[at - 1]! > value; at--) nearest[at] = nearest[at - 1]!;
    nearest[at] = value;
  };
  eachPairBelow(n, (i, j) => {
    const between = distance(set, i, set, j);
    insert(i, between);
    insert(j, between);
  });
  return Float64Array.from({ length: n }, (_, i) => nearest[i * k + k - 1]!);
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const sum = (values: Uint8Array | Uint32Array) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};
