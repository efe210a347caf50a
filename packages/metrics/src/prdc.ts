import { type TimesTransposed, timesTransposed } from './algebra/matrix.js';
import { featureFault } from './errors.js';
import { counts, distance, type FeatureSet } from './feature-set.js';
import { eachNearPair, type Located, located, meanOf, type Visit } from './near-pairs.js';

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

/** How `prdc` is computed. */
export interface PrdcOptions {
  /** What multiplies matrices, in double; by default one core in JavaScript. Nearly all of the work is its. */
  readonly times?: TimesTransposed;
  /** Is told what share of all pairs has been gone through, 0…1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991, with realism, its equation 3), density and
 * coverage (Naeem et al. 2020, arXiv:2002.09797) on feature vectors, in double.
 *
 * - A vector's ball has the distance to its k-th nearest other vector of the same set as radius; inside is strict (<).
 * - n²/2 + m²/2 + n·m scalar products; of all pairs no more than 1000 × 1000 are held.
 * - Where rounding could decide, differences of the vectors' numbers do: `times` changes no bit of the result.
 *
 * @throws MetricsError E_FEATURES where dimensions differ, a number is not finite or k is not below both set sizes.
 */
export async function prdc(
  real: FeatureSet,
  fake: FeatureSet,
  k: number,
  { times = timesTransposed, onProgress = () => {} }: PrdcOptions = {},
): Promise<Prdc> {
  const [n, m] = counts(real, fake);
  if (!(Number.isInteger(k) && k >= 1 && k < Math.min(n, m)))
    throw featureFault(
      `there is no ${k}-th nearest other vector in sets of ${n} and ${m}; k is 1 to ${Math.min(n, m) - 1}`,
      { k, counts: [n, m] },
    );
  const pairs = (n * (n - 1)) / 2 + (m * (m - 1)) / 2 + n * m;
  let done = 0;
  const onPairs = (count: number) => onProgress((done += count) / pairs);

  const origin = meanOf(real);
  const [reals, fakes] = [located(real, origin), located(fake, origin)];
  const radii = await nearestRadii(reals, k, times, onPairs);
  const fakeRadii = await nearestRadii(fakes, k, times, onPairs);
  const typical = median(radii);

  const ballsAroundFake = new Uint32Array(m);
  const inFakeBall = new Uint8Array(n);
  const covered = new Uint8Array(n);
  const realism = new Float64Array(m);
  const limits = { rows: radii.map(square), columns: new Float64Array(m).fill(Infinity) };
  const visit: Visit = (i, j, low, high) => {
    let exact: number | undefined;
    const between = () => (exact ??= distance(real, i, fake, j));
    const isInside = (radius: number) =>
      high < square(radius) || (low < square(radius) && between() < radius);
    if (isInside(radii[i]!)) {
      ballsAroundFake[j]!++;
      covered[i] = 1;
    }
    if (inFakeBall[i] === 0 && isInside(fakeRadii[j]!)) inFakeBall[i] = 1;
    const isTypical = radii[i]! < typical && radii[i]! > 0;
    if (!isTypical || low * square(realism[j]!) >= square(radii[i]!)) return;
    realism[j] = Math.max(realism[j]!, radii[i]! / between());
    // farther ones matter neither to its own ball nor to its realism
    limits.columns[j] = Math.max(square(fakeRadii[j]!), square(typical / realism[j]!));
  };
  await eachNearPair(reals, fakes, limits, times, visit, onPairs);
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
async function nearestRadii(
  vectors: Located,
  k: number,
  times: TimesTransposed,
  onPairs: (count: number) => void,
): Promise<Float64Array> {
  const { set, squares } = vectors;
  // The k smallest distances of each vector so far, ascending; and the square of the largest of them.
  const nearest = new Float64Array(squares.length * k).fill(Infinity);
  const farthest = new Float64Array(squares.length).fill(Infinity);
  const insert = (row: number, value: number) => {
    let at = row * k + k - 1;
    if (value >= nearest[at]!) return;
    for (; at > row * k && nearest[at - 1]! > value; at--) nearest[at] = nearest[at - 1]!;
    nearest[at] = value;
    const last = nearest[row * k + k - 1]!;
    farthest[row] = last === 0 ? -Infinity : square(last); // nothing is nearer than a copy
  };
  const visit: Visit = (i, j) => {
    const between = distance(set, i, set, j);
    insert(i, between);
    insert(j, between);
  };
  await eachNearPair(vectors, vectors, { rows: farthest, columns: farthest }, times, visit, onPairs);
  return Float64Array.from(squares, (_, i) => nearest[i * k + k - 1]!);
}

const square = (value: number) => value * value;

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
