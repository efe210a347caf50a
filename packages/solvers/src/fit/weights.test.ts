import { expect, it } from 'vitest';
import { weightsOf } from './weights.js';

it('counts what is far off by how far it is off, and what is near in full', () => {
  // 5, 2, 10 and 2 off, the median of which is 5
  const error = Float64Array.of(3, 4, 0, 2, -6, 8, 2, 0);
  expect([...weightsOf(error, 4)]).toEqual([1, 1, 0.75, 1]);
  expect([
    ...weightsOf(
      error.map((value) => 7 * value),
      4,
    ),
  ]).toEqual([1, 1, 0.75, 1]);
  expect([...weightsOf(error, 1)]).toEqual([1]);
  expect([...weightsOf(new Float64Array(6), 3)]).toEqual([1, 1, 1]);
});
