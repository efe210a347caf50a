import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import type { Vector } from '../solver.js';
import {
  denoiser,
  fixed,
  lively,
  plainMethods,
  steeredMethods,
  stepFrom,
  twoClusters,
  worst,
} from './analytic.test.helpers.js';

const methods = [...plainMethods, ...steeredMethods(fixed([0.3, 0.5, 0.7]))];
const n = 3;
const size = 2;

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const batch = fc
  .array(number(-2, 2), { minLength: n * size, maxLength: n * size })
  .map((values) => Float64Array.from(values));
/** Descending noise levels, 2 to 6 of them, neighbours at least 5 % apart. */
const levels = fc
  .tuple(number(1, 40), fc.array(number(0.2, 0.95), { minLength: 1, maxLength: 5 }))
  .map(([first, ratios]) => {
    let level = first;
    return [first, ...ratios.map((ratio) => (level *= ratio))];
  });

describe.each(methods)('$label', ({ solver, cost, singleStep, scaleFree }) => {
  it('solves a point mass exactly, whose trajectories are straight', () => {
    fc.assert(
      fc.property(batch, levels, number(-0.9, 0.9), (noise, sigmas, point) => {
        const x = noise.map((value) => point + value * sigmas[0]!);
        const solved = solveSync({ solver, x, n, sigmas, denoise: denoiser(() => point, n) });
        const exact = noise.map((value) => point + value * sigmas.at(-1)!);
        expect(worst(solved.x, exact)).toBeLessThan(1e-11 * sigmas[0]!);
      }),
      { numRuns: 30 },
    );
  });

  it(`commutes with ${scaleFree ? 'x → ax + b, σ → aσ' : 'x → x + b'}`, () => {
    const scales = scaleFree ? number(0.2, 1.5) : fc.constant(1);
    fc.assert(
      fc.property(batch, levels, scales, number(-0.4, 0.4), (noise, sigmas, a, b) => {
        const x = noise.map((value) => value * sigmas[0]!);
        const solved = (start: Vector, grid: number[], at: (x: number, sigma: number) => number) =>
          solveSync({ solver, x: start, n, sigmas: grid, denoise: denoiser(at, n) }).x;
        const plain = solved(x, sigmas, twoClusters);
        const moved = solved(
          x.map((value) => a * value + b),
          sigmas.map((sigma) => a * sigma),
          (value, sigma) => a * twoClusters((value - b) / a, sigma / a) + b,
        );
        // Once a result leaves the data by far, it magnifies rounding: compare relative to its size.
        const scale = 1 + Math.max(...plain.map(Math.abs));
        expect(
          worst(
            moved,
            plain.map((value) => a * value + b),
          ) / scale,
        ).toBeLessThan(1e-8);
      }),
      { numRuns: 30 },
    );
  });

  it('costs what its documentation says', () => {
    fc.assert(
      fc.property(batch, levels, fc.boolean(), fc.boolean(), (x, sigmas, afs, denoiseToZero) => {
        const solved = solveSync({
          solver,
          x,
          n,
          sigmas,
          afs,
          denoiseToZero,
          keep: 'all',
          denoise: denoiser(twoClusters, n),
        });
        const intervals = sigmas.length - 1;
        expect(solved.nfe).toBe(cost * intervals - Number(afs) + Number(denoiseToZero));
        expect(solved.trajectory).toHaveLength(sigmas.length + Number(denoiseToZero));
        expect(solved.trajectory[0]).toEqual(x);
        expect(solved.trajectory.at(-1)).toBe(solved.x);
      }),
      { numRuns: 20 },
    );
  });

  it('goes on from plain data between any two steps, bit for bit', () => {
    const sigmas = [10, 4, 1.5, 0.6, 0.2];
    const x = Float64Array.of(3, -8, 12, 0.5, -0.1, 9);
    const denoise = denoiser(twoClusters, n);
    let state = solver.init(x, n);
    for (let i = 0; i < 4; i++)
      state = stepFrom(solver, structuredClone(state), [sigmas[i]!, sigmas[i + 1]!], denoise, 4 - i);
    expect(state.x).toEqual(solveSync({ solver, x, n, sigmas, denoise }).x);
  });

  if (singleStep)
    it('can be split anywhere', () => {
      fc.assert(
        fc.property(batch, levels, fc.nat(4), (x, sigmas, where) => {
          const cut = where % sigmas.length;
          fc.pre(cut > 0 && cut < sigmas.length - 1);
          const denoise = denoiser(twoClusters, n);
          const whole = solveSync({ solver, x, n, sigmas, denoise });
          const first = solveSync({ solver, x, n, sigmas: sigmas.slice(0, cut + 1), denoise });
          const second = solveSync({ solver, x: first.x, n, sigmas: sigmas.slice(cut), denoise });
          expect(second.x).toEqual(whole.x);
        }),
        { numRuns: 20 },
      );
    });

  it('leaves what it was given untouched', () => {
    const state = solver.init(Float64Array.of(1, 2, 3, 4, 5, 6), n);
    const before = structuredClone(state);
    stepFrom(solver, state, [2, 1], denoiser(twoClusters, n));
    expect(state).toEqual(before);
  });
});

it.each(steeredMethods(lively))('$label treats each sample by itself', ({ solver }) => {
  const x = Float64Array.of(3, -8, 12, 0.5, -0.1, 9);
  const sigmas = [10, 2, 0.5];
  const together = solveSync({ solver, x, n, sigmas, denoise: denoiser(twoClusters, n) }).x;
  for (let i = 0; i < n; i++) {
    const alone = solveSync({
      solver,
      x: x.slice(i * size, (i + 1) * size),
      n: 1,
      sigmas,
      denoise: denoiser(twoClusters, 1),
    }).x;
    expect(together.slice(i * size, (i + 1) * size)).toEqual(alone);
  }
});
