import { expect, it } from 'vitest';
import { columnOfError, halfWidths, overRepeats } from './intervals.js';

it('means over repeats, with the error of their spread alone', () => {
  const repeats = [
    { fid: 2, fid_se: 9, odd_se: 1 },
    { fid: 3, fid_se: 9, odd_se: 1 },
    { fid: 7, fid_se: 9, odd_se: 1 },
  ];
  // variance ((−2)² + (−1)² + 3²) / 2 = 7, of the mean 7 / 3
  expect(overRepeats(repeats)).toEqual({ fid: 4, fid_se: Math.sqrt(7 / 3), odd_se: 1, odd_se_se: 0 });
  expect(overRepeats([{ psnr: Infinity }, { psnr: 20 }])).toEqual({ psnr: Infinity });
});

it('knows whose error a column is', () => {
  expect(['fid_se', 'fid_inf_se', '_se', 'fid', 'reuse'].map(columnOfError)).toEqual([
    'fid',
    'fid_inf',
    undefined,
    undefined,
    undefined,
  ]);
});

it.each([
  [1, 1.96],
  [2, 12.706],
  [3, 4.303],
  [10, 2.262],
  [11, 2.228],
  [31, 2.042],
  [1000, 1.962],
])('takes the quantile of Student’s t for %i repeats', (repeats, quantile) => {
  expect(halfWidths(repeats)).toBeCloseTo(quantile, 3);
});
