import { describe, expect, it } from 'vitest';
import { timesTransposed } from './algebra/matrix.js';
import { matrixRoot } from './algebra/matrix-root.js';
import type { FeatureSet } from './feature-set.js';
import { frechetDistance } from './frechet.js';
import { errorOfInfluences, frechetError, frechetInfluences } from './frechet-error.js';
import { frechetJackknife } from './frechet-jackknife.js';
import { type Statistics, statistics } from './statistics.js';

/** Standard normal numbers of a small generator. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Independent features of these means and deviations. */
interface Source {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

function drawn({ mean, deviation }: Source, n: number, normal: () => number): FeatureSet {
  const dim = mean.length;
  const data = Float32Array.from(
    { length: n * dim },
    (_, at) => mean[at % dim]! + deviation[at % dim]! * normal(),
  );
  return { dim, data };
}

const known = ({ mean, deviation }: Source): Statistics => ({
  mu: Float64Array.from(mean),
  sigma: Float64Array.from(deviation.flatMap((s, i) => deviation.map((_, j) => (i === j ? s * s : 0)))),
});

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const spreadOf = (values: readonly number[]) =>
  Math.sqrt(average(values.map((value) => (value - average(values)) ** 2)));
const rootMeanSquare = (values: readonly number[]) =>
  Math.sqrt(average(values.map((value) => value * value)));

async function errorOf(set: FeatureSet, reference: Statistics): Promise<number> {
  return frechetError([set], await statistics([set]), reference);
}

async function refused(found: Promise<unknown>, code: string, why: RegExp): Promise<void> {
  await expect(found).rejects.toMatchObject({ code });
  await expect(found).rejects.toThrow(why);
}

describe('of Gaussians whose distance is known', () => {
  const reference: Source = { mean: [0, 0, 0, 0], deviation: [1, 0.7, 0.5, 0.3] };
  const apart: Source = { mean: [0.3, 0, -0.2, 0], deviation: [1.3, 0.6, 0.5, 0.45] };

  async function repeated(source: Source, n: number, repeats: number, groups: number) {
    const normal = normals(n);
    const b = known(reference);
    const found = [];
    for (let i = 0; i < repeats; i++) {
      const set = drawn(source, n, normal);
      const own = await statistics([set]);
      const { distance, standardError, limit } = await frechetJackknife([set], own, b, { groups });
      found.push({ distance, jackknife: standardError, limit, error: await frechetError([set], own, b) });
    }
    const [distances, errors, limits] = [
      found.map((one) => one.distance),
      found.map((one) => one.error),
      found.map((one) => one.limit),
    ];
    const covered = (truth: number, estimates: readonly number[]) =>
      estimates.filter((value, i) => Math.abs(value - truth) < 1.96 * errors[i]!).length / repeats;
    return {
      truth: await frechetDistance(known(source), b),
      distance: average(distances),
      spread: spreadOf(distances),
      error: rootMeanSquare(errors),
      jackknife: rootMeanSquare(found.map((one) => one.jackknife)),
      covered: covered(average(distances), distances),
      limit: average(limits),
      limitSpread: spreadOf(limits),
      limitCovered: (truth: number) => covered(truth, limits),
    };
  }

  it('the standard errors are the spread over sets, and intervals cover at their rate', async () => {
    const found = await repeated(apart, 200, 400, 10);
    expect(Math.abs(found.error / found.spread - 1)).toBeLessThan(0.07);
    expect(Math.abs(found.jackknife / found.spread - 1)).toBeLessThan(0.07);
    expect(Math.abs(found.covered - 0.95)).toBeLessThan(0.02);
  });

  it('the limit is the distance of the distributions, which that of few vectors is above', async () => {
    const found = await repeated(apart, 150, 300, 4);
    const uncertain = found.limitSpread / Math.sqrt(300);
    expect(found.distance - found.truth).toBeGreaterThan(5 * uncertain);
    expect(Math.abs(found.limit - found.truth)).toBeLessThan(2.5 * uncertain);
    expect(Math.abs(found.limitCovered(found.truth) - 0.95)).toBeLessThan(0.03);
    expect(Math.abs(found.error / found.limitSpread - 1)).toBeLessThan(0.1);
  });

  it('of one and the same distribution errors are up to √2 too large, and never too small', async () => {
    const found = await repeated(reference, 200, 300, 4);
    expect(found.error / found.spread).toBeGreaterThan(1);
    expect(found.error / found.spread).toBeLessThan(1.55);
    expect(found.covered).toBeGreaterThan(0.95);
    expect(Math.abs(found.limit)).toBeLessThan((2.5 * found.limitSpread) / Math.sqrt(300));
  });

  it('of fewer vectors than features errors are no smaller than the spread', async () => {
    const wide = (size: number): Source => ({
      mean: new Array(8).fill(0),
      deviation: Array.from({ length: 8 }, (_, i) => size * 0.7 ** i),
    });
    const normal = normals(3);
    const sets = Array.from({ length: 200 }, () => drawn(wide(1.2), 6, normal));
    const distances = await Promise.all(
      sets.map(async (set) => frechetDistance(await statistics([set]), known(wide(1)))),
    );
    const errors = await Promise.all(sets.map((set) => errorOf(set, known(wide(1)))));
    expect(rootMeanSquare(errors) / spreadOf(distances)).toBeGreaterThan(1);
    expect(rootMeanSquare(errors) / spreadOf(distances)).toBeLessThan(1.5);
  });
});

describe('frechetError', () => {
  const source: Source = { mean: [1, 2, 3], deviation: [1, 2, 0.5] };
  const set = drawn(source, 700, normals(5));
  const reference = known({ mean: [0, 2, 3], deviation: [2, 1, 0.5] });

  it('of one feature is that of 2 (μ − μ_r)(x − μ) + (1 − σ_r/σ)(x − μ)²', async () => {
    const one = drawn({ mean: [1], deviation: [2] }, 50, normals(2));
    const { mu, sigma } = await statistics([one]);
    const values = Array.from(one.data, (x) => {
      const away = x - mu[0]!;
      return 2 * (mu[0]! - 4) * away + (1 - 3 / Math.sqrt(sigma[0]!)) * away * away;
    });
    const expected = spreadOf(values) / Math.sqrt(49);
    expect(await errorOf(one, known({ mean: [4], deviation: [3] }))).toBeCloseTo(expected, 9);
  });

  it('turns with the axes, grows with the square of the scale and sees no constant features', async () => {
    const expected = await errorOf(set, reference);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    // features 0 and 1 turned, all of them twice as large, and one that never varies
    const turn = Float64Array.of(2 * c, -2 * s, 0, 2 * s, 2 * c, 0, 0, 0, 2, 0, 0, 0);
    const data = timesTransposed(Float64Array.from(set.data), turn, 700, 4, 3);
    const turned: Statistics = {
      mu: timesTransposed(turn, reference.mu, 4, 1, 3),
      sigma: timesTransposed(timesTransposed(turn, reference.sigma, 4, 3, 3), turn, 4, 4, 3),
    };
    const found = await errorOf({ dim: 4, data: Float32Array.from(data) }, turned);
    expect(found / 4 / expected).toBeCloseTo(1, 6);
    expect(expected).toBeGreaterThan(0.05);
  });

  it('is the same with more vectors than features and with less', async () => {
    // so many more features that the space is wider than the set is long; none of them varies in the samples
    const [n, dim, wide] = [40, 3, 60];
    const few = set.data.subarray(0, n * dim);
    const data = Float32Array.from({ length: n * wide }, (_, at) =>
      at % wide < dim ? few[Math.floor(at / wide) * dim + (at % wide)]! : 7,
    );
    const correlated = (dim: number): Statistics => {
      const { mu, sigma } = known({
        mean: Array.from({ length: dim }, (_, i) => i),
        deviation: Array.from({ length: dim }, (_, i) => 1 + 1 / (i + 1)),
      });
      sigma[1] = sigma[dim] = 0.7;
      return { mu, sigma };
    };
    const expected = await errorOf({ dim, data: few }, correlated(dim));
    expect(await errorOf({ dim: wide, data }, correlated(wide))).toBeCloseTo(expected, 9);
  });

  it('is the same bits however vectors are cut into sets', async () => {
    const own = await statistics([set]);
    const whole = await frechetError([set], own, reference);
    const cuts = [0, 1, 1, 300, 513, 700];
    const sets = cuts.slice(1).map((end, i) => ({ dim: 3, data: set.data.subarray(cuts[i]! * 3, end * 3) }));
    expect(await frechetError(sets, own, reference)).toBe(whole);
  });

  it('holds where the reference never varies, or no vector does', async () => {
    const point = known({ mean: [0, 2, 3], deviation: [0, 0, 0] });
    // T is 0: what is left is the squared distance to the reference's mean
    const { mu } = await statistics([set]);
    const values = Array.from({ length: 700 }, (_, i) =>
      [0, 1, 2].reduce((sum, k) => {
        const away = set.data[3 * i + k]! - mu[k]!;
        return sum + away * away + 2 * away * (mu[k]! - point.mu[k]!);
      }, 0),
    );
    expect(await errorOf(set, point)).toBeCloseTo(spreadOf(values) / Math.sqrt(699), 9);
    expect(await errorOf({ dim: 3, data: new Float32Array(9).fill(2) }, reference)).toBe(0);
  });

  it('refuses what does not fit', async () => {
    const own = await statistics([set]);
    const two = known({ mean: [0, 0], deviation: [1, 1] });
    await refused(frechetError([set], own, two), 'E_STATISTICS', /of 3 and of 2 features/);
    const nan = { ...reference, mu: Float64Array.of(0, NaN, 0) };
    await refused(frechetError([set], own, nan), 'E_STATISTICS', /second statistics: entry 1 of mu is NaN/);
    await refused(frechetError([set], { ...two, n: 700 }, two), 'E_FEATURES', /of 2 and of 3 features/);
  });
});

describe('frechetJackknife', () => {
  it('leaves out every k-th vector, whatever the sets, and weighs groups by their size', async () => {
    const n = 23;
    const { dim, data } = drawn({ mean: [0, 1], deviation: [1, 2] }, n, normals(9));
    const reference = known({ mean: [1, 1], deviation: [1, 1] });
    const own = await statistics([{ dim, data }]);
    const distance = await frechetDistance(own, reference);
    const pseudo: number[] = [];
    for (let group = 0; group < 3; group++) {
      const left = Array.from(data).filter((_, at) => Math.floor(at / dim) % 3 !== group);
      const rest = await statistics([{ dim, data: Float32Array.from(left) }]);
      const size = n - rest.n;
      const value = (n * distance - rest.n * (await frechetDistance(rest, reference))) / size;
      pseudo.push(...new Array<number>(size).fill(value));
    }
    const cuts = [0, 1, 2, 9, 9, 23];
    const sets = cuts.slice(1).map((end, i) => ({ dim, data: data.subarray(cuts[i]! * dim, end * dim) }));
    const found = await frechetJackknife(sets, own, reference, { groups: 3 });
    expect(found.distance).toBe(distance);
    expect(found.limit).toBeCloseTo(average(pseudo), 11);
    expect(found.standardError).toBeCloseTo(spreadOf(pseudo) / Math.sqrt(2), 11);
  });

  it('refuses groups that are too few or too small', async () => {
    const set = drawn({ mean: [0], deviation: [1] }, 9, normals(4));
    const [own, reference] = [await statistics([set]), known({ mean: [0], deviation: [1] })];
    for (const groups of [1, 2.5, 5])
      await refused(
        frechetJackknife([set], own, reference, { groups }),
        'E_STATISTICS',
        /9 vectors can't be .* at least 2 vectors each/,
      );
  });
});

describe('matrixRoot', () => {
  // eigenvalues over ten decades, and a matrix of half rank
  it.each([
    ['ten decades', (i: number, n: number) => 7 * 10 ** ((-9 * i) / n)],
    ['half rank', (i: number, n: number) => (2 * i < n ? 1 + i : 0)],
  ])('is the root of a matrix and its inverse: %s', async (_, eigenvalue) => {
    const n = 30;
    const normal = normals(6);
    const u = Float64Array.from({ length: n }, normal);
    const norm = Math.hypot(...u);
    const reflection = Float64Array.from(
      { length: n * n },
      (_, at) =>
        Number(Math.floor(at / n) === at % n) - (2 * u[Math.floor(at / n)]! * u[at % n]!) / norm ** 2,
    );
    const turned = (matrix: Float64Array) =>
      timesTransposed(timesTransposed(reflection, matrix, n, n, n), reflection, n, n, n);
    const diagonal = new Float64Array(n * n);
    for (let i = 0; i < n; i++) diagonal[i * n + i] = eigenvalue(i, n);
    const found = await matrixRoot(turned(diagonal), n, timesTransposed);
    const [root, inverse] = [turned(found.root), turned(found.inverse)];
    for (let i = 0; i < n; i++) {
      const [at, expected] = [i * n + i, Math.sqrt(eigenvalue(i, n))];
      expect(root[at]).toBeCloseTo(expected, 5);
      if (expected > 0) expect(inverse[at]! * expected).toBeCloseTo(1, 5);
      else expect(Math.abs(inverse[at]!)).toBeLessThan(1e6);
    }
  });
});

it('tells how sure a difference is of two samplers on the same seeds, which have most in common', async () => {
  const normal = normals(5);
  const reference = known({ mean: [0, 0], deviation: [1, 0.5] });
  const found = [];
  for (let i = 0; i < 150; i++) {
    const one = drawn({ mean: [0.3, 0], deviation: [1.3, 0.6] }, 400, normal);
    // the same images, a little flatter and with some noise of its own
    const other = { dim: 2, data: one.data.map((value) => 0.9 * value + 0.1 * normal()) };
    const [a, b] = [await statistics([one]), await statistics([other])];
    const [ofOne, ofOther] = [
      await frechetInfluences([one], a, reference),
      await frechetInfluences([other], b, reference),
    ];
    found.push({
      difference: (await frechetDistance(b, reference)) - (await frechetDistance(a, reference)),
      paired: errorOfInfluences(ofOne.map((value, k) => ofOther[k]! - value)),
      apart: Math.hypot(errorOfInfluences(ofOne), errorOfInfluences(ofOther)),
    });
  }
  const spread = spreadOf(found.map(({ difference }) => difference));
  expect(Math.abs(rootMeanSquare(found.map(({ paired }) => paired)) / spread - 1)).toBeLessThan(0.15);
  expect(rootMeanSquare(found.map(({ apart }) => apart)) / spread).toBeGreaterThan(2);
});
