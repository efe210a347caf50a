import { afterAll, expect, it } from 'vitest';
import { timesTransposed } from '../algebra/matrix.js';
import { frechetDistance } from '../frechet.js';
import { statistics } from '../statistics.js';
import { openDoubleProducts } from './double-products.js';

const products = await openDoubleProducts();
afterAll(() => products.close());

/** About −0.5…0.5. */
function numbers(length: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5);
}

it.each([
  [5, 3, 2],
  [64, 33, 130],
  [0, 4, 3],
])('[%i × k]·[%i × k]ᵀ with k = %i is that of JavaScript', async (rows, columns, inner) => {
  const [a, b] = [numbers(rows * inner, 1), numbers(columns * inner, 2)];
  const found = await products.times(a, b, rows, columns, inner);
  expect(found).toHaveLength(rows * columns);
  const expected = timesTransposed(a, b, rows, columns, inner);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 13);
});

it('gives the same statistics and distances', async () => {
  const dim = 140;
  const set = (seed: number, n: number) => ({ dim, data: Float32Array.from(numbers(n * dim, seed)) });
  const both = async (options: Parameters<typeof statistics>[1]) => {
    const [a, b] = [await statistics([set(4, 90)], options), await statistics([set(3, 600)], options)];
    return frechetDistance(a, b, options);
  };
  const distance = await both({});
  expect(distance).toBeGreaterThan(1);
  expect(Math.abs((await both(products)) - distance)).toBeLessThan(1e-9 * distance);
});
