import { describe, expect, it } from 'vitest';
import type { FeatureSet } from './feature-set.js';
import { kid, kidOverSubsets } from './kid.js';
import { prdc } from './prdc.js';

const set = (dim: number, ...data: number[]): FeatureSet => ({ dim, data: Float32Array.from(data) });

/** More rows than a tile holds. */
function many(n: number, dim: number, seed: number, shift = 0): FeatureSet {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return set(dim, ...Array.from({ length: n * dim }, () => next() + shift));
}

const rows = ({ dim, data }: FeatureSet) =>
  Array.from({ length: data.length / dim }, (_, i) => [...data.subarray(i * dim, (i + 1) * dim)]);

describe('kid', () => {
  it('is the unbiased estimate with the cubic kernel', () => {
    // One feature: k(x, y) = (xy + 1)³. Within x: k(1, 2) = 27; within y: k(0, 3) = 1; across: 1, 64, 1, 343.
    expect(kid(set(1, 1, 2), set(1, 0, 3))).toBe(27 + 1 - (2 * (1 + 64 + 1 + 343)) / 4);
  });

  it('sees all pairs of sets larger than a tile', () => {
    const [x, y] = [many(70, 6, 1), many(131, 6, 2, 0.5)];
    const kernel = (a: number[], b: number[]) => (a.reduce((sum, v, k) => sum + v * b[k]!, 0) / 6 + 1) ** 3;
    const mean = (a: number[][], b: number[][], same: boolean) => {
      let sum = 0;
      for (const [i, u] of a.entries())
        for (const [j, v] of b.entries()) if (!same || i !== j) sum += kernel(u, v);
      return sum / (a.length * (same ? b.length - 1 : b.length));
    };
    const [u, v] = [rows(x), rows(y)];
    expect(kid(x, y)).toBeCloseTo(mean(u, u, true) + mean(v, v, true) - 2 * mean(u, v, false), 11);
  });

  it('over subsets depends on the draws alone', () => {
    const [x, y] = [many(40, 3, 5), many(50, 3, 6, 0.2)];
    const generator = (seed: number) => {
      let state = seed;
      return (below: number) => (state = (state * 48271) % 2147483647) % below;
    };
    const options = { subsets: 4, size: 20 };
    const first = kidOverSubsets(x, y, { ...options, draw: generator(3) });
    expect(kidOverSubsets(x, y, { ...options, draw: generator(3) })).toEqual(first);
    expect(kidOverSubsets(x, y, { ...options, draw: generator(4) })).not.toEqual(first);
    // Subsets of everything are everything, drawn without repetition.
    const all = kidOverSubsets(x, x, { subsets: 2, size: 40, draw: generator(9) });
    expect(all.mean).toBeCloseTo(kid(x, x), 12);
    expect(all.deviation).toBeLessThan(1e-12);
    // Always the first that is left: the first two rows.
    const [head, tail] = [set(1, 1, 2, 50, 60), set(1, 0, 3, 70)];
    const one = kidOverSubsets(head, tail, { subsets: 1, size: 2, draw: () => 0 });
    expect(one).toEqual({ mean: kid(set(1, 1, 2), set(1, 0, 3)), deviation: 0 });
  });

  it('refuses sets that do not fit', () => {
    const refused = (run: () => unknown) =>
      expect(run).toThrow(expect.objectContaining({ code: 'E_FEATURES' }));
    refused(() => kid(set(1, 1, 2), set(2, 1, 2)));
    refused(() => kid(set(1, 1), set(1, 1, 2)));
    refused(() => kid(set(2, 1, 2, 3), set(2, 1, 2, 3, 4)));
    refused(() => kid(set(1, 1, NaN), set(1, 1, 2)));
    refused(() => kidOverSubsets(set(1, 1, 2), set(1, 1, 2), { subsets: 1, size: 3, draw: () => 0 }));
    refused(() =>
      kidOverSubsets(set(1, 1, 2), set(1, 1, 2), { subsets: 1, size: 2, draw: (below) => below }),
    );
  });
});

describe('prdc', () => {
  it('counts balls on a line', () => {
    // Reals 0, 1, 3, 10 have radii 1, 1, 2, 7; fakes 0.5, 2, 30 have radii 1.5, 1.5, 28.
    const result = prdc(set(1, 0, 1, 3, 10), set(1, 0.5, 2, 30), 1);
    expect([...result.radii]).toEqual([1, 1, 2, 7]);
    // 0.5 lies in the balls of 0 and 1; 2 in that of 3 (1 is at exactly its radius); 30 in none.
    expect(result.precision).toBe(2 / 3);
    expect(result.density).toBe(3 / 3);
    // 0, 1 and 3 hold a fake; 10's ball is 3…17.
    expect(result.coverage).toBe(3 / 4);
    // 0 and 1 lie in 0.5's ball, 3 in 2's and 30's, 10 in 30's.
    expect(result.recall).toBe(1);
    // Radii below the median 1.5: those of 0 and 1.
    expect([...result.realism]).toEqual([2, 1, 1 / 29]);
  });

  it('takes the k-th nearest, and tiles of all sizes', () => {
    const [real, fake] = [many(131, 2, 8), many(70, 2, 9, 0.1)];
    const result = prdc(real, fake, 3);
    const far = (a: number[], b: number[]) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!);
    const [u, v] = [rows(real), rows(fake)];
    const radius = (set: number[][], i: number) =>
      set.map((other) => far(set[i]!, other)).sort((a, b) => a - b)[3]!;
    u.forEach((_, i) => {
      expect(result.radii[i]).toBeCloseTo(radius(u, i), 14);
    });
    const within = v.map((fake) => u.filter((real, i) => far(real, fake) < radius(u, i)).length);
    // An odd number of reals: the one with the median radius itself does not count.
    const typical = [...result.radii].sort((a, b) => a - b)[65]!;
    v.forEach((fake, j) => {
      const ratios = u.map((real, i) =>
        result.radii[i]! < typical ? result.radii[i]! / far(real, fake) : 0,
      );
      expect(result.realism[j]).toBeCloseTo(Math.max(...ratios), 12);
    });
    expect(result.density).toBeCloseTo(within.reduce((a, b) => a + b) / (3 * 70), 14);
    expect(result.precision).toBe(within.filter((count) => count > 0).length / 70);
    expect(result.recall).toBe(
      u.filter((real) => v.some((fake, j) => far(real, fake) < radius(v, j))).length / 131,
    );
    expect(result.coverage).toBe(
      u.filter((real, i) => v.some((fake) => far(real, fake) < radius(u, i))).length / 131,
    );
  });

  it('gives copies a radius of 0, which holds nothing', () => {
    const same = set(1, 5, 5, 5);
    expect(prdc(same, same, 1)).toMatchObject({ precision: 0, recall: 0, density: 0, coverage: 0 });
  });

  it('refuses a k that no vector has', () => {
    for (const k of [0, 1.5, 3])
      expect(() => prdc(set(1, 1, 2, 3), set(1, 1, 2, 3, 4), k)).toThrow(
        expect.objectContaining({ code: 'E_FEATURES', evidence: { k, counts: [3, 4] } }),
      );
  });
});
