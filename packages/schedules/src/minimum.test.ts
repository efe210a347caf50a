import { expect, it } from 'vitest';
import { minimum } from './minimum.js';

it('finds where a curved valley ends', () => {
  const rosenbrock = ([x, y]: Float64Array) => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2;
  const found = minimum(rosenbrock, Float64Array.of(-1.2, 1));
  expect(found[0]).toBeCloseTo(1, 5);
  expect(found[1]).toBeCloseTo(1, 5);
});

it('goes on along a kink', () => {
  const kinked = ([x, y]: Float64Array) => Math.abs(x! - y!) + (x! + y! - 3) ** 2;
  const found = minimum(kinked, Float64Array.of(5, -4));
  expect(found[0]).toBeCloseTo(1.5, 3);
  expect(found[1]).toBeCloseTo(1.5, 3);
});

it('stays where nothing is lower', () => {
  const start = Float64Array.of(0.3, -2);
  expect(minimum(() => 7, start)).toEqual(start);
});
