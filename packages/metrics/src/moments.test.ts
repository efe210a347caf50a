import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addFeatures, emptyMoments, type Moments, mergeMoments, statistics } from './moments.js';
import { readMoments, writeMoments } from './moments-file.js';
import { writeNpz } from './npz.js';

const add = (dim: number, ...values: number[]) => addFeatures(emptyMoments(dim), Float32Array.from(values));

/** Pseudo-random features over many orders of magnitude, both signs. */
function wild(length: number, seed: number, decades: number): Float32Array {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Float32Array.from({ length }, () => (next() - 0.5) * 10 ** (decades * (next() - 0.5)));
}

/** A double as whole number of 2^-1074, by its bits. */
function toUnits(value: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(Math.abs(value)).buffer)[0]!;
  const exponent = bits >> 52n;
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** Entry (i, j) of Σ (1, x)(1, x)ᵀ as held, in units of 2^-1074. */
function heldUnits({ dim, lowest, digits }: Moments, i: number, j: number): bigint {
  const entries = ((dim + 1) * (dim + 2)) / 2;
  let sum = 0n;
  for (let p = 0; p * entries < digits.length; p++)
    sum += BigInt(digits[p * entries + (i * (i + 1)) / 2 + j]!) << BigInt(1074 + 44 * (lowest + p));
  return sum;
}

describe('moments', () => {
  it('are the exact sums of all products, denormal to largest float32', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 40 }),
        (raw) => {
          const values = Float32Array.from(raw.slice(0, raw.length & ~1));
          const moments = addFeatures(emptyMoments(2), values);
          const sum = (term: (a: number, b: number) => number) => {
            let total = 0n;
            for (let i = 0; i < values.length; i += 2) total += toUnits(term(values[i]!, values[i + 1]!));
            return total;
          };
          const [first, last] = [moments.digits.slice(0, 6), moments.digits.slice(-6)];
          expect([first, last].map((plane) => plane.some((digit) => digit !== 0))).toEqual([true, true]);
          expect(heldUnits(moments, 0, 0)).toBe(sum(() => 1));
          expect(heldUnits(moments, 2, 0)).toBe(sum((_, b) => b));
          expect(heldUnits(moments, 1, 1)).toBe(sum((a) => a * a));
          expect(heldUnits(moments, 2, 1)).toBe(sum((a, b) => a * b));
        },
      ),
    );
  });

  it('are the same bits however vectors are ordered, split and merged', () => {
    const dim = 5;
    const features = wild(dim * 700, 17, 12);
    const whole = addFeatures(emptyMoments(dim), features);
    const rows = Array.from({ length: 700 }, (_, row) => features.subarray(row * dim, (row + 1) * dim));
    const reversed = addFeatures(
      emptyMoments(dim),
      Float32Array.from(rows.toReversed().flatMap((row) => [...row])),
    );
    expect(reversed).toEqual(whole);

    const cuts = [0, 1, 3, 259, 260, 516, 700];
    const shards = cuts
      .slice(1)
      .map((end, i) => addFeatures(emptyMoments(dim), features.subarray(cuts[i]! * dim, end * dim)));
    expect(shards.reduce(mergeMoments)).toEqual(whole);
    expect(shards.reduceRight(mergeMoments)).toEqual(whole);
    const [a, b, c, d, e, f] = shards as [Moments, Moments, Moments, Moments, Moments, Moments];
    expect(mergeMoments(mergeMoments(f, b), mergeMoments(mergeMoments(a, e), mergeMoments(d, c)))).toEqual(
      whole,
    );
    expect(addFeatures(shards[0]!, features.subarray(dim))).toEqual(whole);
  });

  it('cancel to exactly nothing, and drop planes that became zero', () => {
    const one = add(1, 2 ** 60, 1, -(2 ** 60));
    expect(statistics(one).mu[0]).toBe(1 / 3);
    // What is left has the digits that 1 alone would have in Σx.
    expect(heldUnits(one, 1, 0)).toBe(toUnits(1));
    expect(mergeMoments(emptyMoments(1), emptyMoments(1))).toEqual(emptyMoments(1));
    expect(add(1)).toEqual(emptyMoments(1));
  });

  it('carry through long sums', () => {
    for (const value of [1.1e-6, 1.3e-6, -1.7e-6, 0.7]) {
      const same = addFeatures(emptyMoments(1), new Float32Array(100_001).fill(value));
      expect(heldUnits(same, 1, 1)).toBe(100_001n * toUnits(Math.fround(value) ** 2));
    }
    let moments = addFeatures(emptyMoments(1), new Float32Array(100_000).fill(1.9999999));
    for (let doubling = 0; doubling < 30; doubling++) moments = mergeMoments(moments, moments);
    const n = 100_000 * 2 ** 30;
    expect(heldUnits(moments, 0, 0)).toBe(toUnits(n));
    expect(heldUnits(moments, 1, 1)).toBe(BigInt(n) * toUnits(Math.fround(1.9999999) ** 2));
  });

  it('refuse what is no feature vector', () => {
    expect(() => emptyMoments(0)).toThrow(expect.objectContaining({ code: 'E_FEATURES' }));
    expect(() => add(2, 1, 2, 3)).toThrow(expect.objectContaining({ code: 'E_FEATURES' }));
    expect(() => add(2, 1, 2, 3, NaN)).toThrow(
      expect.objectContaining({ code: 'E_FEATURES', evidence: { vector: 1, feature: 1, value: NaN } }),
    );
    expect(() => mergeMoments(emptyMoments(2), emptyMoments(3))).toThrow(
      expect.objectContaining({ code: 'E_FEATURES', evidence: { dims: [2, 3] } }),
    );
  });
});

describe('statistics', () => {
  it('are mean and covariance with n − 1', () => {
    const { mu, sigma, n } = statistics(add(2, 1, 10, 2, 20, 6, 60));
    expect(n).toBe(3);
    expect([...mu]).toEqual([3, 30]);
    expect([...sigma]).toEqual([7, 70, 70, 700]);
  });

  it('lose nothing where the mean is far from zero', () => {
    // Σx² − n·mean² would round the variance 1/3 away: a double near 3e14 steps by 1/16.
    expect(statistics(add(1, 1e7, 1e7 + 1, 1e7)).sigma[0]).toBe(1 / 3);
    const { mu, sigma } = statistics(add(1, 2 ** 100, 2 ** 100, 2 ** -100));
    expect(mu[0]).toBe((2 * 2 ** 100) / 3);
    expect(sigma[0]).toBe(2 ** 200 / 3);
  });

  it('need two vectors', () => {
    expect(() => statistics(add(1, 1))).toThrow(
      expect.objectContaining({ code: 'E_STATISTICS', evidence: { n: 1 } }),
    );
    expect(() => statistics(emptyMoments(1))).toThrow(expect.objectContaining({ evidence: { n: 0 } }));
  });
});

describe('moments in a file', () => {
  it('come back as they were, equal moments as equal bytes', async () => {
    const features = wild(4 * 30, 5, 20);
    const whole = addFeatures(emptyMoments(4), features);
    const merged = mergeMoments(
      addFeatures(emptyMoments(4), features.subarray(40)),
      addFeatures(emptyMoments(4), features.subarray(0, 40)),
    );
    const bytes = await writeMoments(whole);
    expect(await writeMoments(merged)).toEqual(bytes);
    expect(await readMoments(bytes)).toEqual(whole);
    expect(await readMoments(await writeMoments(emptyMoments(4)))).toEqual(emptyMoments(4));
  });

  it('are checked', async () => {
    const scalar = (value: number) =>
      ({ dtype: 'float64', shape: [], data: Float64Array.of(value) }) as const;
    const digits = (...data: number[]) =>
      ({ dtype: 'float64', shape: [data.length / 3, 3], data: Float64Array.from(data) }) as const;
    const read = async (...args: number[]) =>
      readMoments(await writeNpz({ dim: scalar(1), lowest: scalar(0), digits: digits(...args) }));
    expect(await read(2, 3, 5)).toEqual({ dim: 1, lowest: 0, digits: Float64Array.of(2, 3, 5) });
    for (const bad of [
      [2, 3, 0.5],
      [2, 3, 2 ** 43],
      [2, 3, NaN],
    ])
      await expect(read(...bad)).rejects.toMatchObject({ code: 'E_FEATURES' });
    await expect(readMoments(await writeNpz({ mu: scalar(1) }))).rejects.toMatchObject({
      code: 'E_FEATURES',
      evidence: { found: ['mu'] },
    });
  });
});
