import { expect, it } from 'vitest';
import { noiseTable, noiseTables } from '../noise-table.js';
import { sigmas } from '../sigmas.js';

const { alphasCumprod, ...range } = noiseTable(noiseTables.sd);
const sd = { sigmaMin: range.sigmaMin, sigmaMax: range.sigmaMax };
const sd15 = (numSteps: number) => sigmas({ type: 'ays', of: 'sd15' }, { ...sd, numSteps });

it.each([
  ['sd15', [999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0], 6.4745760956],
  ['sdxl', [999, 845, 730, 587, 443, 310, 193, 116, 53, 13, 0], 6.3184485287],
] as const)('has of %s the levels of the noise table at the published times', (of, times, second) => {
  const levels = sigmas({ type: 'ays', of }, { ...sd, numSteps: 11 });
  expect(levels[1]).toBe(second);
  expect([levels[0], levels[10]]).toEqual([sd.sigmaMax, sd.sigmaMin]);
  times.forEach((time, i) => {
    const alpha = alphasCumprod[time]!;
    expect(Math.abs(levels[i]! / Math.sqrt((1 - alpha) / alpha) - 1)).toBeLessThan(1e-9);
  });
});

it('is the table to its last digit on its own range', () => {
  const svd = { sigmaMin: 0.002, sigmaMax: 700, numSteps: 11 };
  expect([...sigmas({ type: 'ays', of: 'svd' }, svd)]).toEqual([
    700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002,
  ]);
});

it('lies on the line through the table with other numbers of steps', () => {
  // numpy.exp(numpy.interp(…)), as its authors do
  const published = [
    14.6146412293, 5.1894460101, 2.83696797001, 1.72889965887, 1.07142405181, 0.607847754316, 0.229142048142,
    0.0291671582,
  ];
  sd15(8).forEach((sigma, i) => {
    expect(Math.abs(sigma / published[i]! - 1)).toBeLessThan(1e-8);
  });
  const [table, half, double] = [sd15(11), sd15(6), sd15(21)];
  expect([...half]).toEqual([...table.filter((_, i) => i % 2 === 0)]);
  expect([...double.filter((_, i) => i % 2 === 0)]).toEqual([...table]);
  expect(double[3]).toBeCloseTo(Math.sqrt(table[1]! * table[2]!), 12);
});

it('is stretched to no other range, whose ends may differ by rounding', () => {
  const at = (sigmaMin: number, sigmaMax: number) => () =>
    sigmas({ type: 'ays', of: 'sdxl' }, { numSteps: 6, sigmaMin, sigmaMax });
  expect(at(0.029, 14.615)()[0]).toBe(14.615);
  for (const [sigmaMin, sigmaMax] of [
    [0.002, 80],
    [0.03, 14.6],
    [0.028, 14.6],
    [0.0292, 14.8],
    [0.0292, 14],
  ] as const)
    expect(at(sigmaMin, sigmaMax)).toThrow(
      expect.objectContaining({ code: 'E_SCHEDULE', found: [sigmaMax, sigmaMin] }),
    );
});
