import { expect, it } from 'vitest';
import { alphasCumprod, sigmaRange } from './noise-levels.js';

// made with numpy in double precision, from each paper's formula
it.each([
  [
    { type: 'linear', start: 1e-4, end: 0.02, steps: 1000 },
    [0.9999, 0.07858724288177824, 4.035829765375676e-5],
  ],
  [
    { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 },
    [0.99915, 0.27766965045646763, 0.004660098513077238],
  ],
  [{ type: 'cosine', steps: 1000 }, [0.999958715775178, 0.4938435904406382, 2.4287669070348567e-9]],
] as const)('%o', (betas, expected) => {
  const alphas = alphasCumprod(betas);
  expect(alphas).toHaveLength(1000);
  const found = [0, 499, 999].map((k) => alphas[k]!);
  for (const [i, alpha] of found.entries()) expect(alpha / expected[i]!).toBeCloseTo(1, 9);
  const [first, , last] = found;
  expect(sigmaRange(alphas)).toEqual({
    sigmaMin: Math.sqrt((1 - first!) / first!),
    sigmaMax: Math.sqrt((1 - last!) / last!),
  });
});

it('are taken as they are given, and must fall', () => {
  expect(alphasCumprod({ type: 'explicit', alphasCumprod: [0.9, 0.5] })).toEqual([0.9, 0.5]);
  expect(() => sigmaRange([0.5, 0.9])).toThrow(/no noise table/);
});
