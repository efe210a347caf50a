import { describe, expect, it } from 'vitest';
import { alphasCumprod } from '../networks/noise-levels.js';
import { halfPrecisionOf, noiseTable } from './noise-table.js';

const betas = { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 } as const;
const other = { ...betas, end: 0.0125 };
const exact = alphasCumprod(betas).map(Math.fround);

/** To so many bits of a significand, as PyTorch's half() and bfloat16() round where numbers are not tiny. */
const rounded = (bits: number) => (value: number) => {
  const step = 2 ** (Math.floor(Math.log2(value)) - bits + 1);
  return Math.round(value / step) * step;
};
const halves = { float16: exact.map(rounded(11)), bfloat16: exact.map(rounded(8)) };
const names = Object.keys(halves) as (keyof typeof halves)[];

it('tells half precision by the numbers, which may have been widened', () => {
  expect(halfPrecisionOf(exact)).toBeUndefined();
  for (const name of names) expect(halfPrecisionOf(halves[name])?.name).toBe(name);
  // the smallest of them have fewer bits
  expect(halfPrecisionOf([0.7001953125, 3 * 2 ** -24])?.name).toBe('float16');
  // what any precision has says nothing
  expect(halfPrecisionOf([1, 0.5])).toBeUndefined();
  expect(halfPrecisionOf([0.18215])).toBeUndefined();
  expect(halfPrecisionOf([0.18212890625])?.name).toBe('float16');
});

describe.each(names)('a table of %s', (name) => {
  it('is computed anew, by what is told or known', () => {
    expect(noiseTable(halves[name], betas, false)).toEqual(exact);
    expect(noiseTable(halves[name], betas, true)).toEqual(exact);
  });

  it('is never taken, nor for that of another training', () => {
    const refusal = (message: RegExp, index?: number) =>
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        message: expect.stringMatching(message),
        evidence: expect.objectContaining({
          keys: ['linear_start', 'linear_end'],
          ...(index !== undefined && { index }),
        }),
      });
    expect(() => noiseTable(halves[name], undefined, false)).toThrow(
      refusal(new RegExp(`of ${name}, too rough`)),
    );
    expect(() => noiseTable(halves[name], other, true)).toThrow(refusal(/and not those of linear_start/));
    const ended = halves[name].with(999, halves[name][998]! / 2);
    expect(() => noiseTable(ended, betas, false)).toThrow(refusal(/number 999 is/, 999));
    expect(() => noiseTable(halves[name].slice(1), betas, false)).toThrow(refusal(/number \d+ is/));
  });
});

it('of full precision is what the file says, and what is told must come to it', () => {
  expect(noiseTable(exact, other, false)).toEqual(exact);
  expect(noiseTable(exact, betas, true)).toEqual(exact);
  expect(() => noiseTable(exact, other, true)).toThrow(
    /are not those of linear_start and linear_end: number \d+ is/,
  );
  expect(() => noiseTable([...exact, 0.004], betas, true)).toThrow(
    /number 1000 is 0.004, and they come to none/,
  );
});
