import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutIntoShards } from './shards.js';

describe('cutIntoShards', () => {
  it('cuts at multiples of the size', () => {
    expect(cutIntoShards([10, 700], [], 256)).toEqual([
      [10, 255],
      [256, 511],
      [512, 700],
    ]);
  });

  it('keeps finished shards whole when seeds are added', () => {
    expect(cutIntoShards([0, 31], [[0, 15]], 256)).toEqual([
      [0, 15],
      [16, 31],
    ]);
    expect(
      cutIntoShards(
        [0, 599],
        [
          [256, 299],
          [0, 255],
        ],
        256,
      ),
    ).toEqual([
      [0, 255],
      [256, 299],
      [300, 511],
      [512, 599],
    ]);
  });

  it('keeps finished shards of another size', () => {
    expect(cutIntoShards([0, 255], [[64, 127]], 32)).toEqual([
      [0, 31],
      [32, 63],
      [64, 127],
      [128, 159],
      [160, 191],
      [192, 223],
      [224, 255],
    ]);
  });

  it('covers every seed exactly once, whatever is there', () => {
    const range = fc
      .tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 400 }))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(range, fc.array(range), fc.integer({ min: 1, max: 100 }), (wanted, finished, size) => {
        const shards = cutIntoShards(wanted, finished, size);
        expect(shards[0]![0]).toBe(wanted[0]);
        expect(shards.at(-1)![1]).toBe(wanted[1]);
        for (let i = 1; i < shards.length; i++) expect(shards[i]![0]).toBe(shards[i - 1]![1] + 1);
      }),
    );
  });
});
