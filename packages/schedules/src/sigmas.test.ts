import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseTable, noiseTables } from './noise-table.js';
import type { Schedule } from './registry.js';
import { levelsOf } from './schedule.js';
import { ScheduleError } from './schedule-error.js';
import { sigmas } from './sigmas.js';
import { vpThrough } from './vp.js';

const edm = { sigmaMin: 0.002, sigmaMax: 80 };
const table = noiseTable(noiseTables.sd);

/** Differences between neighbours, as multiples of the first. */
const strides = (values: Iterable<number>) => {
  const list = [...values];
  return list.slice(2).map((value, i) => (value - list[i + 1]!) / (list[1]! - list[0]!));
};

const expectEven = (values: Iterable<number>) => {
  for (const stride of strides(values)) expect(stride).toBeCloseTo(1, 7);
};

describe('sigmas', () => {
  it('gives the levels of the EDM paper and of the AMED code', () => {
    const levels = (schedule: Schedule, numSteps: number) =>
      Array.from(sigmas(schedule, { ...edm, numSteps }));
    expect(levels({ type: 'polynomial', rho: 7 }, 6)[1]).toBeCloseTo(24.4083418, 6);
    expect(levels({ type: 'polynomial', rho: 7 }, 6)[4]).toBeCloseTo(0.0850872027, 9);
    expect(levels({ type: 'time_uniform', rho: 1 }, 4)[1]).toBeCloseTo(6.95023541, 7);
    expect(levels({ type: 'time_uniform', rho: 1 }, 4)[2]).toBeCloseTo(1.28666891, 7);
    expect(levels({ type: 'logsnr' }, 4)[1]).toBeCloseTo(2.33921419, 7);
    const latent = { numSteps: 4, sigmaMin: 0.029167532920837402, sigmaMax: 14.614641189575195 };
    expect(sigmas({ type: 'discrete', rho: 1, table }, latent)[1]).toBeCloseTo(2.91830721, 7);
  });

  it.each([1, 2, 7])('spaces each kind evenly in its own measure, rho %d', (rho) => {
    const span = { ...edm, numSteps: 9 };
    expectEven(sigmas({ type: 'polynomial', rho }, span).map((sigma) => sigma ** (1 / rho)));
    expectEven(sigmas({ type: 'logsnr' }, span).map(Math.log));
    const { tOfSigma } = vpThrough(edm.sigmaMin, edm.sigmaMax, 1e-3);
    expectEven(sigmas({ type: 'time_uniform', rho }, span).map((sigma) => tOfSigma(sigma) ** (1 / rho)));
    const within = { sigmaMin: 0.05, sigmaMax: 10, numSteps: 9 };
    const levels = sigmas({ type: 'discrete', rho, table }, within);
    expectEven(levels.map((sigma) => table.tOfSigma(sigma) ** (1 / rho)));
  });

  it('comes to log-even levels with a large rho', () => {
    const [far, limit] = [
      sigmas({ type: 'polynomial', rho: 1e6 }, { ...edm, numSteps: 6 }),
      sigmas({ type: 'logsnr' }, { ...edm, numSteps: 6 }),
    ];
    far.forEach((sigma, i) => {
      expect(Math.abs(sigma / limit[i]! - 1)).toBeLessThan(1e-4);
    });
  });

  it('starts at sigmaMax and ends at sigmaMin to the bit, so that one interval is itself', () => {
    const schedule = fc.oneof(
      fc.record({
        type: fc.constant('polynomial' as const),
        rho: fc.double({ min: 0.5, max: 9, noNaN: true }),
      }),
      fc.record({ type: fc.constant('logsnr' as const) }),
      fc.record({
        type: fc.constant('time_uniform' as const),
        rho: fc.double({ min: 0.5, max: 3, noNaN: true }),
      }),
      fc.record({
        type: fc.constant('discrete' as const),
        rho: fc.double({ min: 0.5, max: 3, noNaN: true }),
        table: fc.constant(table),
      }),
      fc.record({ type: fc.constant('dmn' as const), p: fc.constantFrom(1, 2) }),
    );
    const level = fc.double({ min: Math.log(0.03), max: Math.log(14), noNaN: true }).map(Math.exp);
    fc.assert(
      fc.property(schedule, fc.integer({ min: 2, max: 40 }), level, level, (schedule, many, a, b) => {
        const numSteps = schedule.type === 'dmn' ? 2 + (many % 6) : many; // each of which is sought
        const span = { numSteps, sigmaMin: Math.min(a, b), sigmaMax: Math.max(a, b) };
        fc.pre(span.sigmaMax > 20 * span.sigmaMin);
        // in a narrower range the noise of time_uniform rises before it falls, which is refused
        const log = (sigma: number) => Math.log1p(sigma ** 2);
        fc.pre(schedule.type !== 'time_uniform' || log(span.sigmaMin) < 0.0019 * log(span.sigmaMax));
        const levels = sigmas(schedule, span);
        expect(levels).toHaveLength(numSteps);
        expect([levels[0], levels.at(-1)]).toEqual([span.sigmaMax, span.sigmaMin]);
      }),
    );
  });

  it('takes an explicit list as it is, and divides its intervals for a teacher', () => {
    const list = [14, 3, 0.5];
    const at = (numSteps: number) => sigmas({ type: 'explicit', sigmas: list }, { ...edm, numSteps });
    expect([...at(3)]).toEqual(list);
    const fine = at(7);
    expect([fine[0], fine[3], fine[6]]).toEqual(list);
    expect(fine[1]! / fine[2]!).toBeCloseTo(fine[0]! / fine[1]!, 12);
    expect(fine[4]! / fine[5]!).toBeCloseTo(fine[3]! / fine[4]!, 12);
  });

  it('refuses finer levels that miss those which they divide', () => {
    const family = {
      name: 'crowded',
      levels: ({ numSteps }: { readonly numSteps: number }) => Float64Array.of(80, numSteps, 1, 0.5, 0.2),
    };
    const at = (coarse?: number) =>
      levelsOf(family, { ...edm, numSteps: 5, ...(coarse && { coarse }) }, {}, undefined);
    expect(at(5)).toEqual(at());
    expect(() => at(3)).toThrow(expect.objectContaining({ code: 'E_SCHEDULE', found: 1 }));
  });

  it.each<[string, Schedule, object, RegExp]>([
    ['one timestamp', { type: 'polynomial', rho: 7 }, { numSteps: 1 }, /num_steps.*at least 2.*found 1/],
    ['half a step', { type: 'logsnr' }, { numSteps: 2.5 }, /found 2\.5/],
    ['range upside down', { type: 'logsnr' }, { sigmaMin: 80, sigmaMax: 1 }, /found \[80, 1\]/],
    ['σ_min of 0', { type: 'logsnr' }, { sigmaMin: 0 }, /found \[0, 80\]/],
    ['no range', { type: 'polynomial', rho: 7 }, { sigmaMax: Number.NaN }, /found \[0\.002, NaN\]/],
    ['rho of 0', { type: 'polynomial', rho: 0 }, {}, /rho of the polynomial.*found 0/],
    ['rho that rounding spoils', { type: 'time_uniform', rho: 1e7 }, {}, /up to 1000000; found 10000000/],
    ['rho that overflows', { type: 'polynomial', rho: 0.001 }, {}, /finite, strictly descending/],
    [
      'levels too close to tell apart',
      { type: 'logsnr' },
      { numSteps: 40, sigmaMin: 1, sigmaMax: 1 + 2e-15 },
      /descending/,
    ],
    [
      'a list out of order',
      { type: 'explicit', sigmas: [1, 2, 0.5] },
      { numSteps: 3 },
      /descending.*\[1, 2\]/,
    ],
    [
      'a list of another length',
      { type: 'explicit', sigmas: [4, 2, 1] },
      { numSteps: 4 },
      /must be 3.*found 4/,
    ],
    ['a list of one', { type: 'explicit', sigmas: [4] }, { numSteps: 2 }, /found 2/],
    ['a list beyond the model', { type: 'explicit', sigmas: [90, 1] }, { numSteps: 2 }, /within 0\.002…80/],
  ])('refuses %s', (_, schedule, span, message) => {
    const attempt = () => sigmas(schedule, { ...edm, numSteps: 6, ...span });
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'E_SCHEDULE', message: expect.stringMatching(message) }),
    );
  });
});

describe('what plain JavaScript may write', () => {
  const span = { numSteps: 5, sigmaMin: 0.002, sigmaMax: 80 };
  it.each([
    [{ type: 'karras' }, /the type of a schedule is one of polynomial, .*; found karras\./],
    [undefined, /the type of a schedule is one of .*; found undefined/],
    ['polynomial', /the type of a schedule is one of .*; found polynomial/],
    [
      { type: 'polynomial' },
      /rho of the polynomial schedule must be a number; found undefined\. Usual are 7/,
    ],
    [{ type: 'polynomial', rho: '7' }, /rho of the polynomial schedule must be a number; found "7"/],
    [{ type: 'polynomial', rho: 7, roh: 1 }, /the polynomial schedule takes rho; found roh/],
    [{ type: 'ays', of: 'sd3' }, /of of the ays schedule must be one of .*; found "sd3"/],
    [{ type: 'explicit', sigmas: 3 }, /sigmas of the explicit schedule must be a list of numbers; found 3/],
  ])('%j is refused with a remedy', (schedule, message) => {
    const made = () => sigmas(schedule as never, span);
    expect(made).toThrow(ScheduleError);
    expect(made).toThrow(message);
  });

  it('is a span that is left out, too', () => {
    expect(() => sigmas({ type: 'polynomial', rho: 7 }, undefined as never)).toThrow(
      /num_steps must be an integer/,
    );
  });
});
