import { describe, expect, it } from 'vitest';
import { statistics } from './statistics.js';

const set = (dim: number, ...values: number[]) => ({ dim, data: Float32Array.from(values) });

/** Pseudo-random features over many orders of magnitude, both signs. */
function wild(length: number, seed: number, decades: number): Float32Array {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Float32Array.from({ length }, () => (next() - 0.5) * 10 ** (decades * (next() - 0.5)));
}

/** Σ x and the covariance of a float32 matrix in whole numbers: exact, rounded once. */
function exactly(data: Float32Array, dim: number) {
  const unit = 2 ** 149; // of the smallest float32
  const whole = Array.from(data, (value) => BigInt(value * unit));
  const n = BigInt(data.length / dim);
  const sums = Array.from({ length: dim }, (_, i) =>
    whole.reduce((sum, value, at) => (at % dim === i ? sum + value : sum), 0n),
  );
  const sigma = sums.flatMap((a, i) =>
    sums.map((b, j) => {
      let products = 0n;
      for (let at = 0; at < whole.length; at += dim) products += whole[at + i]! * whole[at + j]!;
      return ratio(n * products - a * b, n * (n - 1n)) / unit / unit;
    }),
  );
  return { mu: sums.map((sum) => ratio(sum, n) / unit), sigma };
}
const ratio = (a: bigint, b: bigint) => Number((a << 64n) / b) / 2 ** 64;

describe('statistics', () => {
  it('are mean and covariance with n − 1', async () => {
    const { mu, sigma, n } = await statistics([set(2, 1, 10, 2, 20, 6, 60)]);
    expect(n).toBe(3);
    expect([...mu]).toEqual([3, 30]);
    expect([...sigma]).toEqual([7, 70, 70, 700]);
  });

  it('are those of the exact sums to the last digits, for any number of features', async () => {
    for (const dim of [1, 3, 4, 9]) {
      const data = wild(dim * 150, dim, 3);
      const { mu, sigma } = await statistics([{ dim, data }]);
      const expected = exactly(data, dim);
      for (const [i, value] of mu.entries())
        expect(Math.abs(value / expected.mu[i]! - 1)).toBeLessThan(1e-13);
      const largest = Math.max(...expected.sigma);
      for (const [i, value] of sigma.entries())
        expect(Math.abs(value - expected.sigma[i]!) / largest).toBeLessThan(1e-14);
    }
  });

  it('are the same bits however vectors are cut into sets', async () => {
    const dim = 6;
    const data = wild(dim * 700, 17, 12);
    const whole = await statistics([{ dim, data }]);
    const cuts = [0, 1, 3, 64, 65, 259, 516, 700];
    const sets = cuts.slice(1).map((end, i) => ({ dim, data: data.subarray(cuts[i]! * dim, end * dim) }));
    expect(await statistics(sets)).toEqual(whole);
    const empty = { dim, data: new Float32Array() };
    expect(await statistics([empty, empty, ...sets, empty])).toEqual(whole);
    const reads = {
      async *[Symbol.asyncIterator]() {
        yield* sets;
      },
    };
    expect(await statistics(reads)).toEqual(whole);
  });

  it('lose nothing where the mean is far from zero', async () => {
    // Σx² − n·mean² would round the variance 1/3 away: a double near 3e14 steps by 1/16.
    const { sigma } = await statistics([set(1, 1e7, 1e7 + 1, 1e7)]);
    expect(sigma[0]).toBeCloseTo(1 / 3, 8);
  });

  it('need two vectors', async () => {
    await expect(statistics([set(1, 1)])).rejects.toMatchObject({ code: 'E_STATISTICS', evidence: { n: 1 } });
    await expect(statistics([])).rejects.toMatchObject({ code: 'E_STATISTICS', evidence: { n: 0 } });
  });

  it('refuse what is no feature vector', async () => {
    await expect(statistics([set(2, 1, 2, 3)])).rejects.toMatchObject({ code: 'E_FEATURES' });
    await expect(statistics([set(2, 1, 2, 3, Number.NaN)])).rejects.toMatchObject({
      code: 'E_FEATURES',
      evidence: { vector: 1, feature: 1, value: Number.NaN },
    });
    await expect(statistics([set(2, 1, 2), set(3, 1, 2, 3)])).rejects.toMatchObject({
      code: 'E_FEATURES',
      evidence: { dims: [2, 3] },
    });
  });
});
