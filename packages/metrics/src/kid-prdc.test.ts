import { describe, expect, it } from 'vitest';
import { type TimesTransposed, timesTransposed } from './algebra/matrix.js';
import { distance, type FeatureSet } from './feature-set.js';
import { kid, kidOverSubsets } from './kid.js';
import { prdc } from './prdc.js';

const set = (dim: number, ...data: number[]): FeatureSet => ({ dim, data: Float32Array.from(data) });

/** More rows than a tile holds. */
function many(n: number, dim: number, seed: number, shift = 0): FeatureSet {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return set(dim, ...Array.from({ length: n * dim }, () => next() + shift));
}

const generator = (seed: number) => {
  let state = seed;
  return (below: number) => (state = (state * 48271) % 2147483647) % below;
};

const rows = ({ dim, data }: FeatureSet) =>
  Array.from({ length: data.length / dim }, (_, i) => [...data.subarray(i * dim, (i + 1) * dim)]);

describe('kid', () => {
  it('is the unbiased estimate with the cubic kernel', async () => {
    // One feature: k(x, y) = (xy + 1)³. Within x: k(1, 2) = 27; within y: k(0, 3) = 1; across: 1, 64, 1, 343.
    const { kid: found } = await kid(set(1, 1, 2), set(1, 0, 3));
    expect(found).toBe(27 + 1 - (2 * (1 + 64 + 1 + 343)) / 4);
  });

  const kernel = (a: number[], b: number[]) =>
    (a.reduce((sum, v, k) => sum + v * b[k]!, 0) / a.length + 1) ** 3;
  const mean = (a: number[][], b: number[][]) => {
    const values = a.flatMap((u, i) => b.flatMap((v, j) => (a === b && i === j ? [] : kernel(u, v))));
    return values.reduce((sum, value) => sum + value) / values.length;
  };
  const byPairs = (u: number[][], v: number[][]) => mean(u, u) + mean(v, v) - 2 * mean(u, v);

  it('sees all pairs of sets larger than a block, whoever multiplies', async () => {
    const [x, y] = [many(1003, 2, 1), many(70, 2, 2, 0.5)];
    const shapes: number[][] = [];
    const times: TimesTransposed = (a, b, ...shape) => {
      shapes.push(shape);
      return timesTransposed(a, b, ...shape);
    };
    const shares: number[] = [];
    const found = await kid(x, y, { times, onProgress: (share) => shares.push(share) });
    expect([shares.length, shares.at(-1)]).toEqual([6, 1]);
    expect(found.kid).toBeCloseTo(byPairs(rows(x), rows(y)), 11);
    expect(shapes.filter(([, columns]) => columns === 70)).toEqual([
      [70, 70, 2],
      [1000, 70, 2],
      [3, 70, 2],
    ]);
    expect(Math.max(...shapes.flat())).toBe(1000);
  });

  it('over subsets is their mean, of images that are used up before one comes again', async () => {
    const [x, y] = [many(40, 3, 5), many(50, 3, 6, 0.2)];
    const options = { subsets: 4, size: 20 };
    const first = await kidOverSubsets(x, y, { ...options, draw: generator(3) });
    expect(await kidOverSubsets(x, y, { ...options, draw: generator(3) })).toEqual(first);
    expect(await kidOverSubsets(x, y, { ...options, draw: generator(4) })).not.toEqual(first);
    // Subsets of everything are everything, drawn without repetition.
    const all = await kidOverSubsets(x, x, { subsets: 2, size: 40, draw: generator(9) });
    const whole = await kid(x, x);
    expect(all.kid).toBeCloseTo(whole.kid, 12);
    expect(all.deviation).toBeLessThan(1e-12);
    // Always the first that is left: rows 0 and 1, 2 and 3, and as one is too few, 0 and 1 again; of y, 0 and 1 each time.
    const [head, tail] = [
      [[1], [2], [5], [6], [9]],
      [[0], [3], [7]],
    ] as const;
    const three = { subsets: 3, size: 2, draw: () => 0 };
    const found = await kidOverSubsets(set(1, ...head.flat()), set(1, ...tail.flat()), three);
    const y01 = tail.slice(0, 2).map((row) => [...row]);
    const [low, high] = [0, 2].map((at) =>
      byPairs(
        head.slice(at, at + 2).map((row) => [...row]),
        y01,
      ),
    );
    expect(found.kid).toBeCloseTo((2 * low! + high!) / 3, 9);
    expect(found.deviation).toBeCloseTo(Math.abs(high! - low!) / Math.sqrt(3), 9);
  });

  it('says how sure it is: of Gaussians, intervals cover the known distance at their rate', async () => {
    const [dim, n, m] = [8, 80, 100];
    const uniform = generator(7);
    const normal = () =>
      Math.sqrt(-2 * Math.log((uniform(1e6) + 1) / 1e6)) * Math.cos((2 * Math.PI * uniform(1e6)) / 1e6);
    const gaussian = (count: number, mu: number, sigma: number) =>
      set(dim, ...Array.from({ length: count * dim }, () => mu + sigma * normal()));
    // E (x·y/dim + 1)³ of independent x and y, whose coordinates are independent with the moments of N(mu, sigma²).
    const moments = ([mu, sigma]: readonly [number, number]) =>
      [mu, mu ** 2 + sigma ** 2, mu ** 3 + 3 * mu * sigma ** 2] as const;
    const expected = (a: readonly [number, number], b: readonly [number, number]) => {
      const theirs = moments(b);
      const [t1, t2, t3] = moments(a).map((moment, i) => moment * theirs[i]!) as [number, number, number];
      const square = t2 / dim + (1 - 1 / dim) * t1 ** 2;
      const cube = (t3 + 3 * (dim - 1) * t2 * t1 + (dim - 1) * (dim - 2) * t1 ** 3) / dim ** 2;
      return cube + 3 * square + 3 * t1 + 1;
    };
    const repeats = 200;
    /** Shares of intervals that cover, by the standard error and by the deviation over subsets; the bias in its own errors. */
    const coverage = async (a: readonly [number, number], b: readonly [number, number], subsets?: number) => {
      const truth = expected(a, a) + expected(b, b) - 2 * expected(a, b);
      const found = await Promise.all(
        Array.from({ length: repeats }, async () => {
          const [x, y] = [gaussian(n, ...a), gaussian(m, ...b)];
          return subsets ? kidOverSubsets(x, y, { subsets, size: 20, draw: uniform }) : kid(x, y);
        }),
      );
      const errors = found.map((one) => one.kid - truth);
      const bias = errors.reduce((sum, error) => sum + error) / repeats;
      const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / repeats);
      const covered = (half: (one: (typeof found)[number]) => number) =>
        found.filter((one, i) => Math.abs(errors[i]!) < 1.96 * half(one)).length / repeats;
      return {
        bias: Math.abs(bias) / (spread / Math.sqrt(repeats)),
        covered: covered((one) => one.standardError),
        byDeviation: covered((one) => ('deviation' in one ? Number(one.deviation) / Math.sqrt(subsets!) : 0)),
      };
    };
    for (const subsets of [undefined, 4, 24]) {
      const apart = await coverage([0, 1], [0.2, 1.1], subsets);
      expect(apart.bias).toBeLessThan(3);
      expect(Math.abs(apart.covered - 0.95)).toBeLessThan(0.035);
      if (subsets === 24) expect(apart.byDeviation).toBeLessThan(0.85);
    }
    // Of one and the same distribution, pairs are all that varies; wider than need be, but no more than that.
    const alike = await coverage([0, 1], [0, 1], 4);
    expect(alike.bias).toBeLessThan(3);
    expect(alike.covered).toBeGreaterThan(0.93);
    expect(alike.covered).toBeLessThan(1);
  });

  it('refuses sets that do not fit', async () => {
    const refused = (found: Promise<unknown>) => expect(found).rejects.toMatchObject({ code: 'E_FEATURES' });
    await refused(kid(set(1, 1, 2), set(2, 1, 2)));
    await refused(kid(set(1, 1), set(1, 1, 2)));
    await refused(kid(set(2, 1, 2, 3), set(2, 1, 2, 3, 4)));
    await refused(kid(set(1, 1, NaN), set(1, 1, 2)));
    await refused(kidOverSubsets(set(1, 1, 2), set(1, 1, 2), { subsets: 1, size: 3, draw: () => 0 }));
    await refused(
      kidOverSubsets(set(1, 1, 2), set(1, 1, 2), { subsets: 1, size: 2, draw: (below) => below }),
    );
  });
});

describe('prdc', () => {
  it('counts balls on a line', async () => {
    // Reals 0, 1, 3, 10 have radii 1, 1, 2, 7; fakes 0.5, 2, 30 have radii 1.5, 1.5, 28.
    const result = await prdc(set(1, 0, 1, 3, 10), set(1, 0.5, 2, 30), 1);
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

  it('takes the k-th nearest', async () => {
    const [real, fake] = [many(131, 2, 8), many(70, 2, 9, 0.1)];
    const result = await prdc(real, fake, 3);
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

  /** As the definitions have it: every distance from the differences, in the order of `distance`. */
  const byDifferences = (real: FeatureSet, fake: FeatureSet, k: number) => {
    const [n, m] = [real, fake].map(({ data, dim }) => data.length / dim) as [number, number];
    const radii = (one: FeatureSet, count: number) =>
      Array.from(
        { length: count },
        (_, i) =>
          Array.from({ length: count }, (_, j) => (i === j ? Infinity : distance(one, i, one, j))).sort(
            (a, b) => a - b,
          )[k - 1]!,
      );
    const [ofReal, ofFake] = [radii(real, n), radii(fake, m)];
    const sorted = [...ofReal].sort((a, b) => a - b);
    const typical = (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2;
    const pairs = ofReal.flatMap((radius, i) =>
      ofFake.map((fakeRadius, j) => {
        const between = distance(real, i, fake, j);
        const ratio = radius < typical && radius > 0 ? radius / between : 0;
        return { i, j, inReal: between < radius, inFake: between < fakeRadius, ratio };
      }),
    );
    const different = (of: 'i' | 'j', inside: 'inReal' | 'inFake') =>
      new Set(pairs.filter((pair) => pair[inside]).map((pair) => pair[of])).size;
    return {
      precision: different('j', 'inReal') / m,
      recall: different('i', 'inFake') / n,
      density: pairs.filter(({ inReal }) => inReal).length / (k * m),
      coverage: different('i', 'inReal') / n,
      realism: Float64Array.from(ofFake, (_, j) =>
        Math.max(...pairs.filter((pair) => pair.j === j).map(({ ratio }) => ratio)),
      ),
      radii: Float64Array.from(ofReal),
    };
  };
  const map = ({ dim, data }: FeatureSet, change: (value: number) => number): FeatureSet => ({
    dim,
    data: data.map(change),
  });

  const lattice = (set: FeatureSet, steps: number) => map(set, (value) => Math.round(steps * value));

  it.each<[string, FeatureSet, FeatureSet]>([
    ['ties on a lattice, copies among them', lattice(many(90, 2, 3), 6), lattice(many(80, 2, 4), 6)],
    [
      'vectors far from zero',
      map(many(90, 5, 3), (value) => 4096 + Math.round(40 * value) / 64),
      map(many(80, 5, 4), (value) => 4096 + Math.round(40 * value) / 64),
    ],
    ['sets far from each other', many(90, 7, 5), map(many(80, 7, 6), (value) => 1e6 + Math.round(4 * value))],
    ['fakes in the middle of all balls', many(90, 30, 5), map(many(80, 30, 6), (v) => 0.5 + (v - 0.5) / 9)],
  ])('gives the same bits as differences do, however products are rounded: %s', async (_, real, fake) => {
    const expected = byDifferences(real, fake, 3);
    expect(await prdc(real, fake, 3)).toEqual(expected);
    // as far off as a sum of products may be, to either side
    const next = generator(5);
    const times: TimesTransposed = (a, b, rows, columns, inner) =>
      timesTransposed(a, b, rows, columns, inner).map(
        (product) => product * (1 + (next(3) - 1) * inner * (Number.EPSILON / 2)),
      );
    expect(await prdc(real, fake, 3, { times })).toEqual(expected);
  });

  it('holds a block at a time, and says how far it is', async () => {
    const [real, fake] = [many(1100, 2, 1), many(60, 2, 2)];
    const blocks: number[][] = [];
    const shares: number[] = [];
    const times: TimesTransposed = (a, b, ...shape) => {
      blocks.push(shape.slice(0, 2));
      return timesTransposed(a, b, ...shape);
    };
    const found = await prdc(real, fake, 2, { times, onProgress: (share) => shares.push(share) });
    expect(blocks).toEqual([
      [1000, 1000],
      [100, 1000],
      [100, 100],
      [60, 60],
      [1000, 60],
      [100, 60],
    ]);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(found).toEqual(byDifferences(real, fake, 2));
  });

  it('gives copies a radius of 0, which holds nothing', async () => {
    const same = set(1, 5, 5, 5);
    expect(await prdc(same, same, 1)).toMatchObject({ precision: 0, recall: 0, density: 0, coverage: 0 });
  });

  it('refuses a k that no vector has', async () => {
    for (const k of [0, 1.5, 3])
      await expect(prdc(set(1, 1, 2, 3), set(1, 1, 2, 3, 4), k)).rejects.toMatchObject({
        code: 'E_FEATURES',
        evidence: { k, counts: [3, 4] },
      });
  });
});
