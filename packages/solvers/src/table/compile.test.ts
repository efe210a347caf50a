import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import {
  denoiser,
  fixed,
  levels,
  lively,
  plainMethods,
  steeredMethods,
  twoClusters,
  worst,
} from '../methods/analytic.test.helpers.js';
import { dpmpp } from '../methods/dpmpp.js';
import { euler } from '../methods/euler.js';
import { compile } from './compile.js';
import { tableSolver } from './sampler-table.js';

const methods = [...plainMethods, ...steeredMethods(fixed(0.4, 1.01, 0.95)), ...steeredMethods(lively)];

describe.each(methods)('$label', ({ solver, cost }) => {
  it('gives as a table what it gives step by step', () => {
    fc.assert(
      fc.property(levels, fc.boolean(), fc.boolean(), (sigmas, afs, denoiseToZero) => {
        const table = compile({ solver, sigmas, afs, denoiseToZero });
        expect(table.sigmas).toHaveLength(cost * (sigmas.length - 1) - Number(afs) + Number(denoiseToZero));
        const x = Float64Array.from({ length: 6 }, (_, i) => sigmas[0]! * Math.cos(3 * i + 1));
        const zeros = { bottleneck: new Float64Array(2 * 64) };
        const denoise = (request: Parameters<ReturnType<typeof denoiser>>[0]) => ({
          ...denoiser(twoClusters, 2)(request),
          ...zeros,
        });
        const expected = solveSync({ solver, x, n: 2, sigmas, afs, denoiseToZero, denoise });
        const ends = [sigmas[0]!, sigmas.at(-1)!];
        const found = solveSync({ solver: tableSolver(table), x, n: 2, sigmas: ends, denoise });
        expect(found.nfe).toBe(expected.nfe);
        // what is added up may be far larger than the sum, and the network magnifies what rounding leaves of it
        const size = Math.max(
          ...table.rows.map((row) => row.reduce((sum, weight) => sum + Math.abs(weight), 0)),
        );
        expect(worst(found.x, expected.x)).toBeLessThan(1e-13 * size);
      }),
      { numRuns: 15 },
    );
  });
});

it('is the numbers of the method', () => {
  expect(compile({ solver: euler, sigmas: [80, 8, 2] })).toEqual({
    sigmas: [80, 8],
    rows: [[80], [8, 0.9], [2, 0.225, 0.75]].map((row) => row.map((value) => expect.closeTo(value, 12))),
  });
});

it('refuses what is not linear', () => {
  const solver = dpmpp({ thresholding: 'dynamic' });
  expect(() => compile({ solver, sigmas: [80, 8, 2] })).toThrow(
    expect.objectContaining({ code: 'E_SOLVER', evidence: expect.objectContaining({ solver: 'dpmpp' }) }),
  );
});

describe('a table', () => {
  const solving = (table: Parameters<typeof tableSolver>[0]) => () => tableSolver(table);
  const refused = (evidence: object) => expect.objectContaining({ code: 'E_SOLVER', evidence });

  it('is refused where it is none', () => {
    expect(solving({ sigmas: [1], rows: [[1]] })).toThrow(refused({ sigmas: 1, rows: 1 }));
    expect(solving({ sigmas: [0], rows: [[1], [0, 1]] })).toThrow(refused({ index: 0, found: 0 }));
    expect(solving({ sigmas: [1], rows: [[1], [0]] })).toThrow(refused({ row: 1, found: 1 }));
    expect(solving({ sigmas: [1], rows: [[1], [0, Number.NaN]] })).toThrow(
      refused({ row: 1, index: 1, found: Number.NaN }),
    );
  });
});
