import { expect, it } from 'vitest';
import { worst } from '../methods/analytic.test.helpers.js';
import { bandNorms } from './bands.js';
import { known, rowOf } from './rows.js';

const bands = { shape: [2, 4, 8], edges: [0.25, 0.5] } as const;
const [, height, width] = bands.shape;
/** A batch as rows of one band each. */
const inBands = (batch: Float64Array) =>
  [0, 1, 2].map((band) => {
    const row = [0, 1, 2].map((one) => Number(one === band));
    return rowOf(row, [known(batch)], bands);
  });
/** Two samples of two channels, of one cosine each. */
const wave = (u: number, v: number) =>
  Float64Array.from({ length: 2 * 2 * height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    const [sample, channel] = [Math.floor(i / (2 * height * width)), Math.floor(i / (height * width)) % 2];
    const cosine =
      Math.cos((Math.PI * (2 * y + 1) * u) / (2 * height)) *
      Math.cos((Math.PI * (2 * x + 1) * v) / (2 * width));
    return (1 + sample) * (3 - channel) * cosine;
  });

// radii 0, 0.09, 0.18, 0.25, 0.32, 0.40, 0.50 and 0.81
it.each([
  [0, 0, 0],
  [0, 1, 0],
  [1, 0, 0],
  [0, 3, 1],
  [1, 3, 1],
  [2, 0, 1],
  [2, 4, 2],
  [3, 7, 2],
])('puts the cosine %i, %i into band %i', (u, v, band) => {
  const batch = wave(u, v);
  const zeros = batch.map(() => 0);
  for (const [i, part] of inBands(batch).entries())
    expect(worst(part, i === band ? batch : zeros)).toBeLessThan(1e-12);
  const norm = Math.sqrt(batch.subarray(0, height * width).reduce((sum, value) => sum + (value / 3) ** 2, 0));
  // of sample 0 channels 0 and 1, then of sample 1
  const norms = [3, 2, 6, 4].flatMap((times) => [0, 1, 2].map((i) => (i === band ? times * norm : 0)));
  expect(worst(bandNorms(batch, bands), Float64Array.from(norms))).toBeLessThan(1e-12);
});

it('adds up to what it was given', () => {
  const batch = Float64Array.from({ length: 128 }, (_, i) => Math.sin(i * i));
  const parts = inBands(batch);
  expect(parts).toHaveLength(3);
  const sum = batch.map((_, i) => parts.reduce((total, part) => total + part[i]!, 0));
  expect(worst(sum, batch)).toBeLessThan(1e-14);
});
