import { draw, torchCuda } from '@fewstep/solvers';
import { describe, expect, it } from 'vitest';
import { startOf } from './batches.js';

const shape = [1, 2, 3];
const seeds = [0, 1, 2, 5];

describe('what seeds start from', () => {
  it('is drawn on a CPU, classes after latents', () => {
    const draws = seeds.map((seed) => draw(seed, shape, 10));
    expect(startOf(seeds, shape, 10)).toEqual({
      n: 4,
      latents: Float64Array.from(draws.flatMap(({ latent }) => [...latent])),
      labels: draws.map(({ label }) => label),
    });
    expect(startOf(seeds, shape, 0)).not.toHaveProperty('labels');
  });

  it('is drawn on a card where told so', () => {
    const { latents, labels } = startOf(seeds, shape, 10, { rng: 'torch-cuda' });
    for (const [i, seed] of seeds.entries()) {
      const generator = torchCuda(seed);
      expect(latents.subarray(6 * i, 6 * i + 6)).toEqual(generator.randn(6));
      expect(labels![i]).toBe(generator.randint(10, 1)[0]);
    }
  });

  it.each([
    [[3], [3, 3, 3, 3]],
    [
      [7, 0],
      [7, 0, 7, 0],
    ],
    [
      [9, 8, 7],
      [9, 8, 7, 7],
    ],
  ])('has the classes %j by seed, whatever the batch, with the latents of random ones', (classes, labels) => {
    expect(startOf(seeds, shape, 10, { classes })).toEqual({ ...startOf(seeds, shape, 10), labels });
    expect(startOf([5], shape, 10, { classes }).labels).toEqual(labels.slice(3));
  });

  it.each([
    [[0], 0, /the dataset's network has none: remove the key/],
    [[2, 10], 10, /class 10, but the dataset's network has 10 classes, 0 to 9/],
  ])('refuses classes %j of %d', (classes, count, message) => {
    expect(() => startOf(seeds, shape, count, { classes })).toThrow(
      expect.objectContaining({
        code: 'E_CLASSES',
        exitCode: 2,
        message: expect.stringMatching(message),
        evidence: { classes, count },
      }),
    );
  });
});
