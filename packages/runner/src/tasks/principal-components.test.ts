import { expect, it } from 'vitest';
import { principalComponents } from './principal-components.js';

/** In five dimensions, along two directions at a right angle from a point that isn't the origin. */
const [along, across] = [
  [3, 0, 4, 0, 0].map((part) => part / 5),
  [0, 1, 0, -1, 0].map((part) => part / Math.SQRT2),
];
const at = (u: number, v: number) => [7, 7, -1, 0, 2].map((c, i) => c + u * along[i]! + v * across[i]!);
const placed = [
  [-9, 1],
  [-1, -2],
  [3, -2],
  [7, 3],
] as const;

it('finds the plane that rows lie in, and where they are in it', () => {
  const { explained, coordinates } = principalComponents(
    placed.map(([u, v]) => at(u, v)),
    3,
  );
  // variances of u and v by themselves, whose covariance is not 0
  const [uu, uv, vv] = [140, 8, 18];
  const root = Math.hypot((uu - vv) / 2, uv);
  const shares = [(uu + vv) / 2 + root, (uu + vv) / 2 - root, 0].map((value) => value / (uu + vv));
  for (const [i, share] of shares.entries()) expect(explained[i]).toBeCloseTo(share, 12);
  const found = placed.map(([u, v]) => coordinates(at(u, v)));
  for (const [i, a] of found.entries()) {
    expect(a[2]).toBe(0);
    for (const [j, b] of found.entries()) {
      const [u, v] = [placed[i]![0] - placed[j]![0], placed[i]![1] - placed[j]![1]];
      expect(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)).toBeCloseTo(Math.hypot(u, v), 10);
    }
  }
  expect(coordinates(at(0, 0)).map((one) => Number(one.toFixed(9)))).toEqual([0, 0, 0]);
  // the farthest row is on the positive side of each
  expect(found[0]![0]).toBeGreaterThan(8);
  expect(Math.max(...found.map((one) => one[1]!))).toBeGreaterThan(-Math.min(...found.map((one) => one[1]!)));
});

it('says nothing of directions that are not there', () => {
  const { explained, coordinates } = principalComponents([[1, 2]], 3);
  expect(explained).toEqual([0, 0, 0]);
  expect(coordinates([5, 5])).toEqual([0, 0, 0]);
});
