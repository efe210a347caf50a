import { expect, it } from 'vitest';
import { addProduct, transposed } from './matrix.js';

it.each([1, 3, 4, 9])('adds a product to the bit as one term after another, inner size %d', (inner) => {
  const [rows, columns] = [3, 5];
  const a = Float64Array.from({ length: rows * inner }, (_, i) => Math.sin(i + 1));
  const b = Float64Array.from({ length: inner * columns }, (_, i) => Math.cos(i * i));
  const start = Float64Array.from({ length: rows * columns }, (_, i) => i / 7);
  const sum = start.slice();
  addProduct(sum, a, b, inner);
  const expected = start.map((value, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    for (let k = 0; k < inner; k++) value += a[row * inner + k]! * b[k * columns + column]!;
    return value;
  });
  expect(sum).toEqual(expected);
});

it('turns a matrix around', () => {
  expect(transposed([1, 2, 3, 4, 5, 6], 3)).toEqual(Float64Array.of(1, 4, 2, 5, 3, 6));
});
