import { describe, expect, it } from 'vitest';
import { type ClipPair, clipScore } from './clip-score.js';

const pairs = (...given: (readonly [prompt: number, cosine: number])[]): ClipPair[] =>
  given.map(([prompt, cosine]) => ({ prompt, cosine }));

describe('clipScore', () => {
  it('is 100 times the mean, as far below 0 as it is', () => {
    expect(clipScore(pairs([0, 0.3], [1, -0.1], [2, 0.1])).score).toBeCloseTo(10, 12);
    expect(clipScore(pairs([5, -0.25]))).toEqual({ score: -25, standardError: undefined });
  });

  it('is as sure as its images agree, where each has a prompt of its own', () => {
    // mean 20, deviations 10, 0 and −10: s² = 100
    const { standardError } = clipScore(pairs([0, 0.3], [1, 0.2], [2, 0.1]));
    expect(standardError).toBeCloseTo(Math.sqrt(100 / 3), 12);
    // so it is as soon as one prompt has one image alone
    const mixed = clipScore(pairs([0, 0.3], [0, 0.2], [2, 0.1]));
    expect(mixed.standardError).toBe(standardError);
  });

  it('is as sure as images of one prompt agree, where each has several, in any order', () => {
    // prompt 0: 10 and 14, s² = 8; prompt 7: 30, 30 and 36, s² = 12
    const { score, standardError } = clipScore(pairs([7, 0.3], [0, 0.1], [7, 0.3], [0, 0.14], [7, 0.36]));
    expect(score).toBeCloseTo(24, 12);
    expect(standardError).toBeCloseTo(Math.sqrt(2 * 8 + 3 * 12) / 5, 12);
  });

  it('varies by its standard error over other images of the same prompts', () => {
    let state = 1;
    const uniform = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const prompts = Array.from({ length: 20 }, () => 0.3 + 0.05 * normal());
    const repeats = Array.from({ length: 400 }, () =>
      clipScore(
        Array.from({ length: 60 }, (_, seed) => {
          const prompt = seed % prompts.length;
          return { prompt, cosine: prompts[prompt]! + 0.02 * normal() };
        }),
      ),
    );
    const mean = repeats.reduce((sum, { score }) => sum + score, 0) / repeats.length;
    const spread = Math.sqrt(
      repeats.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / (repeats.length - 1),
    );
    const told = repeats.reduce((sum, { standardError }) => sum + standardError!, 0) / repeats.length;
    expect(told / spread).toBeGreaterThan(0.9);
    expect(told / spread).toBeLessThan(1.1);
  });
});
