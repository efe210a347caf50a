import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range } from './kind.js';
import { countOfMultiples, cutAtMultiples, piecesOf } from './ranges.js';

describe('a gap', () => {
  it('is cut at multiples of the size', () => {
    expect([...cutAtMultiples([10, 700], 256)]).toEqual([
      [10, 255],
      [256, 511],
      [512, 700],
    ]);
  });

  it('is counted without being cut', () => {
    const range = fc.tuple(fc.nat(500), fc.nat(500)).map(([first, more]): Range => [first, first + more]);
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 90 }), (gap, size) => {
        expect(countOfMultiples(gap, size)).toBe([...cutAtMultiples(gap, size)].length);
      }),
    );
  });
});

describe('what is wanted', () => {
  it('takes finished shards whole, and computes between them', () => {
    expect(
      piecesOf(
        [[0, 599]],
        [
          [256, 299],
          [0, 255],
        ],
        true,
      ),
    ).toEqual([
      { range: [0, 255], shard: [0, 255] },
      { range: [256, 299], shard: [256, 299] },
      { range: [300, 599] },
    ]);
  });

  it('is sliced out of a shard that reaches beyond it, where that can be', () => {
    expect(
      piecesOf(
        [[100, 400]],
        [
          [0, 255],
          [256, 511],
        ],
        true,
      ),
    ).toEqual([
      { range: [100, 255], shard: [0, 255] },
      { range: [256, 400], shard: [256, 511] },
    ]);
    expect(
      piecesOf(
        [[100, 400]],
        [
          [0, 255],
          [256, 511],
        ],
        false,
      ).map(({ shard }) => shard),
    ).toEqual([undefined, undefined]);
  });

  it('is covered once and in order, by nothing but what there is', () => {
    const range = fc.tuple(fc.nat(60), fc.nat(25)).map(([first, more]): Range => [first, first + more]);
    fc.assert(
      fc.property(range, fc.array(range), fc.boolean(), (wanted, finished, sliced) => {
        let at = wanted[0];
        for (const {
          range: [first, last],
          shard,
        } of piecesOf([wanted], finished, sliced)) {
          expect(first).toBe(at);
          expect(last).toBeGreaterThanOrEqual(first);
          at = last + 1;
          if (!shard) continue;
          expect(finished).toContainEqual([...shard]);
          expect(shard[0] <= first && shard[1] >= last).toBe(true);
          if (!sliced) expect([first, last]).toEqual([...shard]);
        }
        expect(at).toBe(wanted[1] + 1);
      }),
    );
  });

  it('computes no item that a finished shard holds, where it can be sliced', () => {
    const range = fc.tuple(fc.nat(60), fc.nat(25)).map(([first, more]): Range => [first, first + more]);
    fc.assert(
      fc.property(range, fc.array(range), (wanted, finished) => {
        for (const {
          range: [first, last],
          shard,
        } of piecesOf([wanted], finished, true))
          for (let item = first; !shard && item <= last; item++)
            expect(finished.some(([a, b]) => a <= item && item <= b)).toBe(false);
      }),
    );
  });
});
