import { vpThrough } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { gaussRule } from '../math/gauss-rule.js';
import { phi } from '../math/phi.js';
import { solveVandermonde } from '../math/vandermonde.js';
import type { Solver } from '../solver.js';
import { adamsBashforthWeights } from './adams-bashforth.js';
import { type DeisOptions, deis } from './deis.js';

describe('Gauss’s rule', () => {
  it('integrates powers up to the ninth', () => {
    for (let power = 0; power <= 9; power++) {
      const found = gaussRule(-0.5, 2).reduce((sum, [at, weight]) => sum + weight * at ** power, 0);
      expect(found / ((2 ** (power + 1) - (-0.5) ** (power + 1)) / (power + 1))).toBeCloseTo(1, 13);
    }
  });
});

describe('Adams–Bashforth weights', () => {
  it.each([
    [[1], 1],
    [[3, -1], 2],
    [[23, -16, 5], 12],
    [[55, -59, 37, -9], 24],
  ])('are %j / %d on an even grid', (numerators, denominator) => {
    const levels = numerators.map((_, k) => 5 + k);
    const found = adamsBashforthWeights(levels, 4);
    for (const [k, numerator] of numerators.entries())
      expect(found[k]).toBeCloseTo(-numerator / denominator, 13);
  });

  it('integrate polynomials up to their order on an uneven one', () => {
    const levels = [5, 5.3, 7, 11];
    const found = adamsBashforthWeights(levels, 2);
    for (let power = 0; power < 4; power++) {
      const sum = levels.reduce((total, level, k) => total + found[k]! * level ** power, 0);
      expect(sum / ((2 ** (power + 1) - 5 ** (power + 1)) / (power + 1))).toBeCloseTo(1, 12);
    }
  });
});

/** The weights of a step of deis: what it makes of unit vectors as slopes. */
function deisWeights(
  levels: readonly number[],
  sigmaNext: number,
  range: Pick<DeisOptions, 'sigmaMin' | 'sigmaMax'> = {},
): Float64Array {
  const solver = deis({ maxOrder: levels.length, ...range }) as Solver as ReturnType<typeof deis>;
  const unit = (k: number) => Float64Array.from(levels, (_, i) => (i === k ? 1 : 0));
  const points = levels.map((sigma, k) => ({ slope: unit(k), sigma })).slice(1);
  const step = solver.step({ x: unit(-1), points }, levels[0]!, sigmaNext, 1);
  step.next();
  const last = step.next({ denoised: unit(0).map((slope) => -slope * levels[0]!) });
  return (last.value as { x: Float64Array }).x;
}

describe('weights of deis tab', () => {
  // Powers of t: ∫ t^p dσ = [t^p·σ] − p ∫ t^(p−1)·σ dt, the rest by a fine Simpson's rule in √t.
  const { tOfSigma, sigmaOfT } = vpThrough(0.002, 80, 1e-3);
  const integral = (power: number, from: number, to: number) => {
    const [a, b] = [tOfSigma(from), tOfSigma(to)];
    const n = 200_000;
    let sum = 0;
    for (let i = 0; i <= n; i++) {
      const t = a + ((b - a) * i) / n;
      const weight = i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2;
      sum += weight * power * t ** (power - 1) * sigmaOfT(t);
    }
    return b ** power * to - a ** power * from - (sum * (b - a)) / n / 3;
  };

  it.each([
    [[80, 90], 30],
    [[2.5, 9.7, 30], 0.47],
    [[0.05, 0.47, 2.5, 9.7], 0.002],
  ])('from %j to %d integrate powers of t up to their order', (levels, sigmaNext) => {
    const weights = deisWeights(levels, sigmaNext);
    for (let power = 0; power < levels.length; power++) {
      const sum = levels.reduce((total, level, k) => total + weights[k]! * tOfSigma(level) ** power, 0);
      const exact = power === 0 ? sigmaNext - levels[0]! : integral(power, levels[0]!, sigmaNext);
      expect(Math.abs(sum / exact - 1), `power ${power}`).toBeLessThan(1e-9);
    }
  });

  it('take t as the root of log(1 + σ²) in a narrow range', () => {
    const t = (sigma: number) => Math.sqrt(Math.log1p(sigma ** 2));
    const levels = [3, 5];
    const weights = deisWeights(levels, 1, { sigmaMin: 0.3, sigmaMax: 5 });
    const sum = levels.reduce((total, level, k) => total + weights[k]! * t(level), 0);
    let exact = 0;
    for (let panel = 0; panel < 20; panel++)
      for (const [at, weight] of gaussRule(3 - panel / 10, 2.9 - panel / 10)) exact += weight * t(at);
    expect(sum / exact).toBeCloseTo(1, 10);
  });
});

describe('φ', () => {
  it.each([-12, -2, -1, -0.999, -1e-3, 1e-9, 0.5, 0.999, 1, 3, 12])(
    'at %d is the integral that it stands for',
    (z) => {
      // φ_k(z) = ∫₀¹ e^((1−s)z) s^(k−1)/(k−1)! ds
      for (const [k, factorial] of [1, 1, 2, 6].entries()) {
        let integral = 0;
        for (let panel = 0; panel < 40; panel++)
          for (const [s, weight] of gaussRule(panel / 40, (panel + 1) / 40))
            integral += (weight * Math.exp((1 - s) * z) * s ** k) / factorial;
        expect(phi(k + 1, z) / integral).toBeCloseTo(1, 11);
      }
    },
  );
});

describe('a Vandermonde system', () => {
  it.each([[[0.7]], [[-0.4, 1]], [[-0.4, -1.3, 1]]])('of %j is solved', (r) => {
    const wanted = [0.3, -2, 5].slice(0, r.length);
    const b = r.map((_, i) => r.reduce((sum, value, k) => sum + wanted[k]! * value ** i, 0));
    for (const [k, value] of solveVandermonde(r, b).entries()) expect(value).toBeCloseTo(wanted[k]!, 12);
  });

  it('of no unknowns has no solution to give', () => expect(solveVandermonde([], [])).toEqual([]));
});
