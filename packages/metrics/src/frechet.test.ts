import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { choleskyRows } from './algebra/cholesky.js';
import { symmetricEigenvalues } from './algebra/eigenvalues.js';
import { timesTransposed } from './algebra/matrix.js';
import { frechetDistance } from './frechet.js';
import { readNpz } from './npz/npz.js';
import { type Statistics, statistics } from './statistics.js';

const diagonal = (mu: number[], variances: number[]): Statistics => ({
  mu: Float64Array.from(mu),
  sigma: Float64Array.from(mu.flatMap((_, i) => mu.map((_, j) => (i === j ? variances[i]! : 0)))),
});

/** Numbers of a small generator, about −0.5…0.5. */
function numbers(length: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5);
}

describe('frechetDistance', () => {
  it('is |Δμ|² + Σ (√a − √b)² for diagonal covariances', async () => {
    const a = diagonal([1, 2, 3], [4, 9, 0.25]);
    const b = diagonal([1, 0, 3], [1, 16, 2.25]);
    expect(await frechetDistance(a, b)).toBeCloseTo(4 + 1 + 1 + 1, 13);
    expect(await frechetDistance(b, a)).toBeCloseTo(7, 13);
    expect(Math.abs(await frechetDistance(a, a))).toBeLessThan(1e-14);
  });

  it('holds for covariances without full rank', async () => {
    expect(await frechetDistance(diagonal([0, 0, 0], [0, 9, 0]), diagonal([0, 0, 0], [5, 4, 0]))).toBeCloseTo(
      6,
      13,
    );
    expect(await frechetDistance(diagonal([0, 0], [0, 0]), diagonal([0, 0], [5, 4]))).toBe(9);
    // Six of nine eigenvalues are 0, and would come out as rounding noise of either sign.
    const [n, rank] = [9, 3];
    const random = (columns: number, seed: number) =>
      timesTransposed(numbers(n * columns, seed), numbers(n * columns, seed), n, n, columns);
    const full = { mu: new Float64Array(n), sigma: random(n, 4) };
    const low = { mu: new Float64Array(n), sigma: random(rank, 6) };
    expect(await frechetDistance(full, low)).toBeCloseTo(await frechetDistance(low, full), 13);
  });

  it('equals the closed form in two dimensions', async () => {
    // tr √M = √(tr M + 2 √det M) for a 2 × 2 matrix M = Σ_a Σ_b.
    const a = { mu: Float64Array.of(0, 0), sigma: Float64Array.of(2, 1, 1, 3) };
    const b = { mu: Float64Array.of(0, 0), sigma: Float64Array.of(5, -2, -2, 1) };
    expect(await frechetDistance(a, b)).toBeCloseTo(
      5 + 6 - 2 * Math.sqrt(10 - 4 + 3 + 2 * Math.sqrt(5 * 1)),
      13,
    );
  });

  const statisticsOf = (dim: number, data: ArrayLike<number>) =>
    statistics([{ dim, data: Float32Array.from(data) }]);
  const variances = ({ mu, sigma }: Statistics) =>
    mu.reduce((sum, _, i) => sum + sigma[i * mu.length + i]!, 0);

  it('is that of 60 digits: fewer vectors than features, singular and far-off ones (fixtures/frechet.py)', async () => {
    const made = await readNpz(await readFile(new URL('../fixtures/frechet.npz', import.meta.url)));
    const cases = Object.keys(made).filter((name) => name.endsWith('.distance'));
    expect(cases).toHaveLength(11);
    for (const name of cases) {
      const of = (side: string) => {
        const { data, shape } = made[name.replace('distance', side)]!;
        return statisticsOf(shape[1]!, Float64Array.from(data, Number));
      };
      const [a, b] = [await of('a'), await of('b')];
      const expected = Number(made[name]!.data[0]);
      // where one set alone hardly varies in some direction, rounding is taken the root of
      const part = /^(dead-features|near-singular-reference)/.test(name) ? 1e-8 : 1e-12;
      const bound = part * (variances(a) + variances(b));
      for (const found of [await frechetDistance(a, b), await frechetDistance(b, a)])
        expect(Math.abs(found - expected), name).toBeLessThan(bound);
    }
  });

  it('is 0 between equals, symmetric, the same after a rotation, and |δ|² more after a shift', async () => {
    const [dim, n] = [40, 70];
    const [a, b] = [numbers(n * dim, 3), numbers(n * dim, 4).map((value) => 1.5 * value)];
    const [ofA, ofB] = [await statisticsOf(dim, a), await statisticsOf(dim, b)];
    const scale = variances(ofA) + variances(ofB);
    const near = (found: number, expected: number) =>
      expect(Math.abs(found - expected)).toBeLessThan(1e-13 * scale);
    const distance = await frechetDistance(ofA, ofB);
    expect(distance).toBeGreaterThan(0.01 * scale);
    near(await frechetDistance(ofA, ofA), 0);
    near(await frechetDistance(ofB, ofA), distance);

    const axis = numbers(dim, 5);
    const square = axis.reduce((sum, value) => sum + value ** 2, 0);
    const reflection = Float64Array.from({ length: dim * dim }, (_, at) => {
      const [i, j] = [Math.floor(at / dim), at % dim];
      return Number(i === j) - (2 * axis[i]! * axis[j]!) / square;
    });
    const turned = ({ mu, sigma }: Statistics): Statistics => ({
      mu: timesTransposed(mu, reflection, 1, dim, dim),
      sigma: timesTransposed(timesTransposed(reflection, sigma, dim, dim, dim), reflection, dim, dim, dim),
    });
    near(await frechetDistance(turned(ofA), turned(ofB)), distance);

    const shift = numbers(dim, 6);
    const between = ofA.mu.map((value, i) => value - ofB.mu[i]!);
    const moved = { mu: ofB.mu.map((value, i) => value + shift[i]!), sigma: ofB.sigma };
    const more = shift.reduce((sum, value, i) => sum + (between[i]! - value) ** 2 - between[i]! ** 2, 0);
    near((await frechetDistance(ofA, moved)) - distance, more);
  });

  it('refuses sizes that do not fit, and numbers that are none', async () => {
    const a = diagonal([1, 2], [1, 1]);
    const refused = async (b: Statistics, why: RegExp) => {
      await expect(frechetDistance(a, b)).rejects.toMatchObject({ code: 'E_STATISTICS' });
      await expect(frechetDistance(a, b)).rejects.toThrow(why);
    };
    await refused(diagonal([1], [1]), /of 2 and of 1 features/);
    await refused({ mu: a.mu, sigma: a.sigma.subarray(1) }, /sigma has 3 entries/);
    await refused(diagonal([1, NaN], [1, 1]), /entry 1 of mu is NaN/);
    await refused(diagonal([1, 2], [1, Infinity]), /entry 3 of sigma is Infinity/);
    await refused(diagonal([1, 2], [1, -1]), /variance of feature 1 is -1/);
    await refused({ mu: a.mu, sigma: Float64Array.of(1, 0.5, 0.4, 1) }, /not symmetric/);
    const huge = { mu: a.mu, sigma: Float64Array.of(1e200, 9e199, 9e199, 1e200) };
    await expect(frechetDistance(huge, huge)).rejects.toThrow(/too large/);
  });
});

describe('choleskyRows', () => {
  // the last two in several blocks
  it.each([
    [9, 4],
    [9, 9],
    [150, 140],
    [300, 131],
  ])('factors a matrix of %i rows and rank %i', async (n, rank) => {
    const root = numbers(n * rank, 3);
    const matrix = timesTransposed(root, root, n, n, rank);
    const factor = await choleskyRows(matrix, n, timesTransposed);
    expect(factor.rank).toBe(rank);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += factor.rows[k * n + i]! * factor.rows[k * n + j]!;
        if (!(Math.abs(sum - matrix[i * n + j]!) < 1e-13 * n)) expect(sum).toBe(matrix[i * n + j]!);
      }
  });
});

describe('symmetricEigenvalues', () => {
  // of 13 rows the band is the whole matrix, the others take products, the last with a panel that is cut off
  it.each([13, 96, 150])(
    'finds those of the path Laplacian of %i, 2 − 2 cos(πk/n), after a rotation of the axes',
    async (n) => {
      const laplacian = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        laplacian[i * n + i] = i === 0 || i === n - 1 ? 1 : 2;
        if (i > 0) laplacian[i * n + i - 1] = laplacian[(i - 1) * n + i] = -1;
      }
      // Reflection H = I − 2 u uᵀ: it fills the matrix and keeps the eigenvalues.
      const u = numbers(n, 7);
      const norm = Math.hypot(...u);
      const reflection = Float64Array.from(
        { length: n * n },
        (_, at) =>
          Number(Math.floor(at / n) === at % n) - (2 * u[Math.floor(at / n)]! * u[at % n]!) / norm ** 2,
      );
      const full = timesTransposed(timesTransposed(reflection, laplacian, n, n, n), reflection, n, n, n);
      const found = (await symmetricEigenvalues(full, n, timesTransposed)).sort();
      found.forEach((value, k) => {
        expect(value).toBeCloseTo(2 - 2 * Math.cos((Math.PI * k) / n), 13);
      });
    },
  );

  it.each([2, 4, 8])(
    'finds small ones of a matrix that shrinks by %i decades to their own digits',
    async (decades) => {
      // D L Lᵀ D with a unit lower triangle L: the determinant is that of D².
      const n = 150;
      const scales = Float64Array.from({ length: n }, (_, i) => 10 ** ((-decades * i) / n));
      const entries = numbers(n * n, 8);
      const root = Float64Array.from({ length: n * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return scales[i]! * (i === j ? 1 : i > j ? entries[at]! / 5 : 0);
      });
      const found = await symmetricEigenvalues(timesTransposed(root, root, n, n, n), n, timesTransposed);
      const logarithms = (values: Float64Array) => values.reduce((sum, value) => sum + Math.log(value), 0);
      expect(logarithms(found)).toBeCloseTo(2 * logarithms(scales), 9);
    },
  );

  it('stays stable where a row is almost on its axis already', async () => {
    const matrix = Float64Array.of(1, 0.5, 1e-9, 0.5, 2, -1, 1e-9, -1, 3);
    const values = (await symmetricEigenvalues(matrix, 3, timesTransposed)).sort();
    // Roots of the characteristic polynomial, from the invariants of the matrix.
    expect(values.reduce((sum, value) => sum + value)).toBeCloseTo(6, 13);
    expect(values.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1 + 4 + 9 + 2 * (0.25 + 1), 12);
    expect(values.reduce((product, value) => product * value)).toBeCloseTo(6 - 1 - 0.75, 8);
  });

  it('takes small and empty matrices, zeros and equal values', async () => {
    const of = async (matrix: Float64Array, n: number) =>
      (await symmetricEigenvalues(matrix, n, timesTransposed)).sort();
    expect([...(await of(new Float64Array(0), 0))]).toEqual([]);
    expect([...(await of(Float64Array.of(3), 1))]).toEqual([3]);
    expect([...(await of(new Float64Array(9), 3))]).toEqual([0, 0, 0]);
    expect([...(await of(new Float64Array(80 ** 2), 80))]).toEqual(new Array(80).fill(0));
    const pair = await of(Float64Array.of(1, 2, 2, 1), 2);
    expect(pair[0]).toBeCloseTo(-1, 15);
    expect(pair[1]).toBeCloseTo(3, 15);
  });

  it('takes numbers whose squares are out of range', async () => {
    const size = 1e200;
    const random = numbers(70 * 70, 5);
    const matrix = timesTransposed(random, random, 70, 70, 70);
    const found = await symmetricEigenvalues(matrix, 70, timesTransposed);
    const large = await symmetricEigenvalues(
      matrix.map((value) => value * size),
      70,
      timesTransposed,
    );
    const largest = Math.max(...found);
    for (const [i, value] of found.entries())
      expect(Math.abs(large[i]! / size - value)).toBeLessThan(1e-12 * largest);
  });
});

describe('timesTransposed', () => {
  it('is A·Bᵀ, also where sizes are no multiples of four', () => {
    expect([
      ...timesTransposed(Float64Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(1, 0, 2, 7, 1, 1), 2, 2, 3),
    ]).toEqual([7, 12, 16, 39]);
    const a = Float64Array.from({ length: 5 * 2 }, (_, i) => i);
    const b = Float64Array.from({ length: 6 * 2 }, (_, i) => i * i);
    const product = timesTransposed(a, b, 5, 6, 2);
    expect(product[4 * 6 + 5]).toBe(8 * 100 + 9 * 121);
    expect(product[3 * 6 + 4]).toBe(6 * 64 + 7 * 81);
  });
});
