import { expect, it } from 'vitest';
import { adam } from './adam.js';

it('follows the algorithm, with NaN as 0 and the infinite as 10⁵', () => {
  const lr = 5e-3;
  const gradients = [
    [0.3, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-6],
    [-0.1, 2, 1, 5, -3e-6],
    [0.7, Number.NaN, -4, 0, 2e-6],
  ];
  const cleaned = gradients.map((row) =>
    row.map((g) => (Number.isNaN(g) ? 0 : Math.max(-1e5, Math.min(1e5, g)))),
  );
  const expected = [1, -2, 0.5, 0, 3];
  const optimiser = adam({ w: { shape: [5], data: Float32Array.from(expected) } }, lr);
  const [m, v] = [new Float64Array(5), new Float64Array(5)];
  for (const [step, row] of cleaned.entries()) {
    const after = optimiser.step({ w: Float64Array.from(gradients[step]!) });
    row.forEach((g, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * g;
      v[i] = 0.999 * v[i]! + 0.001 * g * g;
      const corrected = v[i]! / (1 - 0.999 ** (step + 1));
      expected[i]! -= (lr * m[i]!) / (1 - 0.9 ** (step + 1)) / (Math.sqrt(corrected) + 1e-8);
      // To the last bit but one of float32.
      expect(Math.abs(after.w!.data[i]! - expected[i]!)).toBeLessThan(2 ** -23 * Math.abs(expected[i]!));
    });
  }
});
