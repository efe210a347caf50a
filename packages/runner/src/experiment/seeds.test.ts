import { describe, expect, it } from 'vitest';
import { blocksOfSeeds, countOfShared, rangesOfSeeds } from './seeds.js';

describe('rangesOfSeeds', () => {
  it.each([
    ['0-511', [[0, 511]]],
    [
      '1,2,5-10',
      [
        [1, 2],
        [5, 10],
      ],
    ],
    [
      ' 7 , 3 - 4 ',
      [
        [7, 7],
        [3, 4],
      ],
    ],
    [
      '3,2,1',
      [
        [3, 3],
        [2, 2],
        [1, 1],
      ],
    ],
    [
      '0-3,4-7,9',
      [
        [0, 7],
        [9, 9],
      ],
    ],
    [17, [[17, 17]]],
    ['4294967295', [[4294967295, 4294967295]]],
  ])('reads %j in the order asked for', (text, ranges) => {
    expect(rangesOfSeeds(text)).toEqual(ranges);
  });

  it.each([
    ['1,2,1', 'seed 1 is there twice; each seed is one image'],
    ['5-10,0-7', 'seed 5 is there twice; each seed is one image'],
    ['0-5,5-8', 'seed 5 is there twice; each seed is one image'],
    ['10,0-20', 'seed 10 is there twice; each seed is one image'],
    ['9-3', '9-3 runs backwards; write 3-9'],
    ['0-4294967296', 'a seed is at most 4294967295, not 4294967296'],
    ['', '"" is neither a seed nor a range; write 0-49999 or 1,2,5-10'],
    ['1,,2', '"" is neither a seed nor a range; write 0-49999 or 1,2,5-10'],
    ['1..5', '"1..5" is neither a seed nor a range; write 0-49999 or 1,2,5-10'],
    ['-3', '"-3" is neither a seed nor a range; write 0-49999 or 1,2,5-10'],
  ])('refuses %j', (text, message) => {
    expect(() => rangesOfSeeds(text)).toThrow(expect.objectContaining({ code: 'E_SEEDS', message }));
  });
});

it('cuts seeds into blocks of one size in their order', () => {
  expect(blocksOfSeeds(rangesOfSeeds('0-149999'), 3)).toEqual([
    [[0, 49_999]],
    [[50_000, 99_999]],
    [[100_000, 149_999]],
  ]);
  expect(blocksOfSeeds(rangesOfSeeds('7-9,0,20-23'), 2)).toEqual([
    [
      [7, 9],
      [0, 0],
    ],
    [[20, 23]],
  ]);
  expect(blocksOfSeeds(rangesOfSeeds('1,3-8,2'), 4)).toEqual([
    [
      [1, 1],
      [3, 3],
    ],
    [[4, 5]],
    [[6, 7]],
    [
      [8, 8],
      [2, 2],
    ],
  ]);
});

it('counts the seeds that two lists share', () => {
  expect(countOfShared(rangesOfSeeds('0-9,20'), rangesOfSeeds('8-12,20-21,3'))).toBe(4);
  expect(countOfShared(rangesOfSeeds('0-9'), rangesOfSeeds('10-12'))).toBe(0);
});
