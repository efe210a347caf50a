import { gits, sigmas } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { gaussian } from '../methods/analytic.test.helpers.js';
import { euler } from '../methods/euler.js';
import type { Request } from '../solver.js';
import { solveSync } from './solve.js';
import { type StepMetric, stepCosts } from './step-costs.js';

/** Data N(0.3, 0.5²) in one coordinate, N(−0.2, 0.1²) in the other: images of two numbers, whose path is curved. */
const coordinates = [gaussian(0.3, 0.5), gaussian(-0.2, 0.1)];
const starts = [
  [3, -8],
  [-6, 2],
  [9, 9],
];
const grid = (numSteps: number) =>
  sigmas({ type: 'polynomial', rho: 7 }, { numSteps, sigmaMin: 0.01, sigmaMax: 10 });
const levels = grid(5);
const flow = ([x, y]: readonly number[], sigma: number) => [
  coordinates[0]!.flow(x!, 10, sigma),
  coordinates[1]!.flow(y!, 10, sigma),
];
const denoised = ([x, y]: readonly number[], sigma: number) => [
  coordinates[0]!.at(x!, sigma),
  coordinates[1]!.at(y!, sigma),
];
const batch = (of: (start: readonly number[]) => number[]) => Float64Array.from(starts.flatMap(of));
const exact = (levels: Float64Array) => ({
  sigmas: levels,
  points: Array.from(levels, (sigma) => batch((start) => flow(start, sigma))),
  n: starts.length,
});

/** Distance of p from the line through a and b, by the area of the parallelogram. */
const offLine = (p: readonly number[], a: readonly number[], b: readonly number[]) =>
  Math.abs((p[0]! - a[0]!) * (b[1]! - a[1]!) - (p[1]! - a[1]!) * (b[0]! - a[0]!)) /
  Math.hypot(b[0]! - a[0]!, b[1]! - a[1]!);

describe('stepCosts', () => {
  it('is the closed form for Gaussian data', () => {
    const costsFrom = stepCosts(exact(levels));
    for (const i of [0, 1, 3]) {
      const costs = costsFrom(
        i,
        batch((start) => denoised(flow(start, levels[i]!), levels[i]!)),
      );
      for (const [sample, start] of starts.entries())
        for (const [j, sigma] of levels.entries()) {
          const cost = (metric: StepMetric) => costs[metric][sample * levels.length + j];
          if (j <= i) {
            expect([cost('l1'), cost('l2'), cost('dev')]).toEqual([0, 0, 0]);
            continue;
          }
          const here = flow(start, levels[i]!);
          const [teacher, D] = [flow(start, sigma), denoised(here, levels[i]!)];
          const y = here.map((x, k) => x + ((sigma - levels[i]!) / levels[i]!) * (x - D[k]!));
          const error = [y[0]! - teacher[0]!, y[1]! - teacher[1]!] as const;
          const last = flow(start, levels[4]!);
          expect(cost('l1')).toBeCloseTo(Math.abs(error[0]) + Math.abs(error[1]), 10);
          expect(cost('l2')).toBeCloseTo(Math.hypot(...error), 10);
          expect(cost('dev')).toBeCloseTo(offLine(y, start, last) - offLine(teacher, start, last), 10);
        }
    }
  });

  it('is 0 where the path is straight, as to a single point', () => {
    const points = Array.from(levels, (sigma) => Float64Array.of(1 + 2 * sigma, -1 + sigma));
    const costs = stepCosts({ sigmas: levels, points, n: 1 })(1, Float64Array.of(1, -1));
    for (const value of Object.values(costs).flatMap((list) => [...list])) expect(value).toBeCloseTo(0, 12);
  });

  it.each<StepMetric>(['dev', 'l1', 'l2'])('leads to a schedule on which euler errs less: %s', (metric) => {
    const [fine, n] = [grid(61), starts.length];
    const path = exact(fine);
    const costsFrom = stepCosts(path);
    const costs = new Float64Array(61 * 61);
    for (let i = 0; i < 60; i++) {
      const { [metric]: row } = costsFrom(
        i,
        batch((start) => denoised(flow(start, fine[i]!), fine[i]!)),
      );
      for (let at = 0; at < n * 61; at++) costs[i * 61 + (at % 61)]! += row[at]!;
    }
    const chosen = gits({ costs, numSteps: 6, coeff: 1.15 }).indices.map((index) => fine[index]!);
    const errorOn = (sigmas: ArrayLike<number>) => {
      const denoise = ({ x, sigma }: Request) => ({
        denoised: x.map((value, k) => coordinates[k % 2]!.at(value, sigma as number)),
      });
      const { x } = solveSync({ solver: euler, x: path.points[0]!, n, sigmas, denoise });
      return Math.hypot(...x.map((value, k) => value - path.points[60]![k]!));
    };
    expect(errorOn(chosen)).toBeLessThan(0.92 * errorOn(grid(6)));
  });
});
