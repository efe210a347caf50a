import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sigmas } from '../sigmas.js';
import { errorBound } from './dmn.js';

interface Case {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  readonly p: number;
  readonly numSteps: number;
  readonly bound: number;
  readonly least: number;
}
const { cases } = JSON.parse(readFileSync(new URL('../../fixtures/dmn.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[];
};
const lambdas = (levels: Float64Array) => levels.map((sigma) => -Math.log(sigma));

it('bounds the error by weights that quadrature finds, too', () => {
  for (const { bound, p, ...span } of cases) {
    const even = lambdas(sigmas({ type: 'logsnr' }, span));
    expect(Math.abs(errorBound(even, p) / bound - 1)).toBeLessThan(1e-10);
  }
});

it.each(cases)('goes as low as scipy: $numSteps from $sigmaMax to $sigmaMin, p $p', (one) => {
  const { least, bound, p, ...span } = one;
  const levels = sigmas({ type: 'dmn', p }, span);
  const found = errorBound(lambdas(levels), p);
  expect(found).toBeLessThan(least * (1 + 1e-6));
  expect(found).toBeLessThanOrEqual(bound * (1 + 1e-12));
  expect([...sigmas({ type: 'dmn', p }, span)]).toEqual([...levels]);
});

it('takes the middle of two steps where both errors weigh the same', () => {
  // √(σ_max σ_min): e^λ and σ of either step are each other's inverse
  const levels = sigmas({ type: 'dmn', p: 1 }, { numSteps: 3, sigmaMin: 0.002, sigmaMax: 80 });
  expect(levels[1]).toBeCloseTo(0.4, 6);
});

it('weighs short steps as their limit', () => {
  // e^τ is 1 there, so that each of the orders is exact and the weights of a step sum to its length
  const h = 1e-7;
  const one = errorBound(Float64Array.of(0, h), 1);
  expect(one / h).toBeCloseTo(1, 6);
  // Adams–Bashforth 2 between two steps of Euler
  expect(errorBound(Float64Array.of(0, h, 2 * h, 3 * h), 1) / h).toBeCloseTo(2 + Math.hypot(1.5, 0.5), 6);
});

it('leaves a teacher’s times between its own, even in log σ', () => {
  const span = { sigmaMin: 0.002, sigmaMax: 80 };
  const [own, fine] = [
    sigmas({ type: 'dmn', p: 1 }, { ...span, numSteps: 4 }),
    sigmas({ type: 'dmn', p: 1 }, { ...span, numSteps: 10, coarse: 4 }),
  ];
  expect([...fine.filter((_, i) => i % 3 === 0)]).toEqual([...own]);
  expect(fine[4]! / fine[5]!).toBeCloseTo(Math.cbrt(own[1]! / own[2]!), 12);
  const even = { type: 'polynomial', rho: 7 } as const;
  expect(sigmas(even, { ...span, numSteps: 9, coarse: 5 })).toEqual(sigmas(even, { ...span, numSteps: 9 }));
});

it('is for few steps', () => {
  const span = { sigmaMin: 0.002, sigmaMax: 80 };
  expect(() => sigmas({ type: 'dmn', p: 1 }, { ...span, numSteps: 42 })).toThrow(
    expect.objectContaining({ code: 'E_SCHEDULE', found: 42 }),
  );
});
