import { describe, expect, it } from 'vitest';
import { batchPlan, parseSeeds } from './seeds.js';

describe('parseSeeds', () => {
  it('numbers and ranges, in their order, repetitions kept', () => {
    expect(parseSeeds('1, 2,5-7')).toEqual([1, 2, 5, 6, 7]);
    expect(parseSeeds('3-5,3-5,1')).toEqual([3, 4, 5, 3, 4, 5, 1]);
    expect(parseSeeds('4294967301')).toEqual([4294967301]);
  });

  it.each(['', '1,', 'a', '-1', '5-3', '1.5', '1-2-3', '99999999999999999999'])('refuses "%s"', (text) => {
    expect(() => parseSeeds(text)).toThrow(expect.objectContaining({ code: 'E_SEEDS' }));
  });

  it('refuses to list without end', () => {
    expect(() => parseSeeds('0-999999999999')).toThrow(/at most 16777216/);
  });
});

describe('batchPlan', () => {
  const seeds = [1, 2, 5, 6, 7, 8, 9, 10];

  it('shares the seeds out evenly', () => {
    expect(batchPlan(seeds, 3)).toEqual([
      [
        [1, 2, 5],
        [6, 7, 8],
        [9, 10],
      ],
    ]);
  });

  it('deals batches to workers in turn, as many to each', () => {
    expect(batchPlan(parseSeeds('0-9'), 2, 3)).toEqual([
      [
        [0, 1],
        [6, 7],
      ],
      [[2, 3], [8]],
      [[4, 5], [9]],
    ]);
    expect(batchPlan([7], 64, 3)).toEqual([[[7]], [[]], [[]]]);
  });

  it.each([
    [0, 1],
    [2.5, 1],
    [3, 0],
  ])('refuses batches of %d on %d workers', (maxBatch, workers) => {
    expect(() => batchPlan(seeds, maxBatch, workers)).toThrow(expect.objectContaining({ code: 'E_SEEDS' }));
  });
});
