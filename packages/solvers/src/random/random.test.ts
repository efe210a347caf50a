import { describe, expect, it } from 'vitest';
import { draw, latents, rngs } from './random.js';
import { torchCuda } from './torch-cuda.js';

/** Beginnings of what PyTorch prints. */
const close = (found: Float64Array, printed: readonly number[]) => {
  printed.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 6);
  });
};

describe('draws per seed', () => {
  it('a label comes after the latent', () => {
    const labels = [0, 1, 2, 3].map((seed) => draw(seed, [3, 8, 8], 10).label);
    expect(labels).toEqual([6, 9, 2, 0]);
  });

  it('there is no label without classes', () => {
    expect(draw(0, [4])).not.toHaveProperty('label');
    expect(draw(0, [4], 0)).not.toHaveProperty('label');
  });

  it('a batch is its seeds one by one', () => {
    const batch = latents([0, 1], [3, 8, 8]);
    expect(batch).toHaveLength(384);
    close(batch, [-1.1258398294448853, -1.152360200881958, -0.2505785822868347]);
    close(batch.slice(192), [-1.5255959033966064, -0.7502318024635315, -0.6539809107780457]);
  });

  it('on a card the same shapes from another generator, the label again after the latent', () => {
    const { latent, label } = draw(0, [4, 8, 8], 1000, rngs['torch-cuda']);
    const generator = torchCuda(0);
    expect(latent).toEqual(generator.randn(256));
    expect(label).toBe(generator.randint(1000, 1)[0]);
    expect(latents([7, 0], [4, 8, 8], rngs['torch-cuda']).subarray(256)).toEqual(latent);
  });

  it.each(['torch-cpu', 'torch-cuda'] as const)('%s takes a seed modulo 2³²', (name) => {
    expect(draw(2 ** 32 + 5, [4], 10, rngs[name])).toEqual(draw(5, [4], 10, rngs[name]));
    expect(draw(-1, [4], 10, rngs[name])).toEqual(draw(2 ** 32 - 1, [4], 10, rngs[name]));
  });

  it.each([0.5, Number.NaN, Infinity, 2 ** 60])('refuses a seed of %d', (seed) => {
    expect(() => draw(seed, [4])).toThrow(expect.objectContaining({ code: 'E_SOLVER' }));
    expect(() => latents([0, seed], [4])).toThrow(/a seed is a whole number/);
  });
});
