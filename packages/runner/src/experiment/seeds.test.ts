import { describe, expect, it } from 'vitest';
import { rangesOfSeeds } from './seeds.js';

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
