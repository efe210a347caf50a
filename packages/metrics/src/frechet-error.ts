import { choleskyRows } from './algebra/cholesky.js';
import { type TimesTransposed, timesTransposed, transposed } from './algebra/matrix.js';
import { matrixRoot } from './algebra/matrix-root.js';
import type { FeatureSet } from './feature-set.js';
import { centred, checkPair, type Statistics } from './statistics.js';

/**
 * The standard error of a Fréchet distance: how much `frechetDistance(own, reference)` would vary over other images of the
 * same sampler, as many, from what each vector adds to it (`frechetInfluences`), whose deviation over √n it is (the
 * infinitesimal jackknife).
 *
 * - `sets`: the n vectors, of which `own` are the statistics. They are gone through once; from files one set at a time is
 *   held, and of no more vectors than features all.
 * - The reference counts as fixed, as published statistics are: what other real images would give is not in it.
 * - It is about the distance that n images have in the mean, which is above that of infinitely many (`frechetJackknife`).
 *   Distance ± 1.96 of it covers that mean in 95 of 100 cases. More often where the distance is little more than what n
 *   images bring about: what varies is then of second order, which is counted twice. At worst, of samples that are distributed
 *   as the reference, it is 1.4 times too large.
 * - Where there are fewer vectors than features, T is that of the space that they span, and n takes dim's place in the cost.
 * - `times`: what multiplies matrices, by default one core in JavaScript. Nearly all of the work is its: some 60 products
 *   of [dim × dim], and dim² for each vector.
 *
 * @throws MetricsError E_STATISTICS as `frechetDistance`; E_FEATURES where the sets have other features.
 */
export const frechetError = async (...given: Parameters<typeof frechetInfluences>): Promise<number> =>
  errorOfInfluences(await frechetInfluences(...given));

/** The standard error of what vectors add to a distance, or of the difference of what the same images add to two. */
export function errorOfInfluences(influences: Float64Array): number {
  const n = influences.length;
  const mean = influences.reduce((sum, value) => sum + value, 0) / n;
  const squares = influences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (n - 1) / n);
}

/**
 * What each vector adds to a Fréchet distance to first order, [n] in their order,
 *
 *   2 (μ − μ_r)·(x − μ) + (x − μ)ᵀ (1 − T) (x − μ), T = Σ_r^½ (Σ_r^½ Σ Σ_r^½)^−½ Σ_r^½.
 *
 * Of two samplers on the same seeds their differences tell how sure the difference of the distances is: what an image of a
 * seed has in common with the other's goes out.
 *
 * - As `frechetError`, which costs the same.
 *
 * @throws MetricsError E_STATISTICS as `frechetDistance`; E_FEATURES where the sets have other features.
 */
export async function frechetInfluences(
  sets: Iterable<FeatureSet> | AsyncIterable<FeatureSet>,
  own: Statistics & { readonly n: number },
  reference: Statistics,
  { times = timesTransposed }: { readonly times?: TimesTransposed } = {},
): Promise<Float64Array> {
  checkPair(own, reference);
  const { mu, n } = own;
  const dim = mu.length;
  const shift = mu.map((value, i) => 2 * (value - reference.mu[i]!));
  const vectors = centred(sets, mu);
  const transported =
    n <= dim ? ofFew(await all(vectors, n, dim), reference, times) : ofMany(vectors, own, reference, times);
  const influences: number[] = [];
  for await (const { vectors, forms } of transported)
    for (const [k, form] of forms.entries()) {
      let influence = -form;
      for (let i = 0; i < dim; i++) {
        const away = vectors[k * dim + i]!;
        influence += away * (shift[i]! + away);
      }
      influences.push(influence);
    }
  return Float64Array.from(influences);
}

/** Vectors less their mean, [count × dim], and of each (x − μ)ᵀ T (x − μ). */
interface Transported {
  readonly vectors: Float64Array;
  readonly forms: Float64Array;
}

/** With L of Lᵀ L = Σ_r, T = Lᵀ (L Σ Lᵀ)^−½ L: [dim × dim]. */
async function* ofMany(
  blocks: AsyncIterable<Block>,
  { mu, sigma }: Statistics,
  reference: Statistics,
  times: TimesTransposed,
): AsyncGenerator<Transported> {
  const dim = mu.length;
  const { rows, rank } = await choleskyRows(reference.sigma, dim, times);
  const half = await times(rows, sigma, rank, dim, dim);
  const { inverse } = await matrixRoot(await times(half, rows, rank, rank, dim), rank, times);
  const columns = transposed(rows, rank, dim);
  const t = await times(await times(columns, inverse, dim, rank, rank), columns, dim, dim, rank);
  for await (const { vectors, count } of blocks) {
    const images = await times(vectors, t, count, dim, dim);
    const forms = Float64Array.from({ length: count }, (_, k) => {
      let sum = 0;
      for (let at = k * dim; at < (k + 1) * dim; at++) sum += vectors[at]! * images[at]!;
      return sum;
    });
    yield { vectors, forms };
  }
}

/** With X of all n, Xᵀ X = (n − 1) Σ, they are on the diagonal of (n − 1)^½ (X Σ_r Xᵀ)^½: [n × n]. */
async function* ofFew(
  { vectors, count }: Block,
  reference: Statistics,
  times: TimesTransposed,
): AsyncGenerator<Transported> {
  const dim = reference.mu.length;
  const half = await times(vectors, reference.sigma, count, dim, dim);
  const { root } = await matrixRoot(await times(half, vectors, count, count, dim), count, times);
  const scale = Math.sqrt(count - 1);
  yield { vectors, forms: Float64Array.from({ length: count }, (_, k) => scale * root[k * count + k]!) };
}

interface Block {
  readonly vectors: Float64Array;
  readonly count: number;
}

/** Blocks together. */
async function all(blocks: AsyncIterable<Block>, n: number, dim: number): Promise<Block> {
  const result = new Float64Array(n * dim);
  let at = 0;
  for await (const { vectors } of blocks) {
    result.set(vectors, at);
    at += vectors.length;
  }
  return { vectors: result, count: n };
}
