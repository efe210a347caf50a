import { describe, expect, it } from 'vitest';
import { denoiser, fixed, requestsOf, stepFrom, twoClusters, worst } from './analytic.test.helpers.js';
import { dpm } from './dpm.js';
import { dpmpp } from './dpmpp.js';
import { euler } from './euler.js';
import { ipndm } from './ipndm.js';
import { solvers, students } from './registry.js';
import { solveSync } from './solve.js';
import type { Solver, SolverState } from './solver.js';
import { amed } from './students/amed.js';
import { dpmStudent } from './students/dpm.js';
import { dpmppStudent } from './students/dpmpp.js';
import { eulerStudent } from './students/euler.js';
import { ipndmStudent } from './students/ipndm.js';

const x = Float64Array.of(-2, 0.4, 1.7);
const sigmas = [3, 1.2, 0.5, 0.2, 0.1];
const denoise = denoiser(twoClusters);
const solved = (solver: Solver<SolverState>, levels = sigmas) =>
  solveSync({ solver, x, n: 1, sigmas: levels, denoise }).x;

describe('methods that are the same by another name', () => {
  it.each([
    ['ipndm of order 1', ipndm({ maxOrder: 1 }), euler],
    ['dpmpp of order 1 on the slope', dpmpp({ maxOrder: 1, predictX0: false }), euler],
    ['dpmpp of order 1 on data in range', dpmpp({ maxOrder: 1 }), euler],
    [
      'the student ipndm of order 1',
      ipndmStudent({ maxOrder: 1 }).steered(fixed()),
      eulerStudent.steered(fixed()),
    ],
    ['the student dpm at r = 0.3', dpmStudent.steered(fixed(0.3)), dpm({ r: 0.3 })],
    ['dpm at r = 0.5', dpm(), amed.steered(fixed(0.5))],
  ])('%s', (_, one, other) => {
    expect(worst(solved(one), solved(other))).toBeLessThan(1e-13);
  });

  it.each([
    ['euler', eulerStudent.steered(fixed()), euler],
    ['ipndm', ipndmStudent({ maxOrder: 3 }).steered(fixed()), ipndm({ maxOrder: 3 })],
    ['dpmpp', dpmppStudent({ maxOrder: 3 }).steered(fixed()), dpmpp({ maxOrder: 3 })],
  ])('the student %s at r = ½ is the solver on twice the grid', (_, student, solver) => {
    const fine = sigmas.flatMap((sigma, i) => (i > 0 ? [Math.sqrt(sigmas[i - 1]! * sigma), sigma] : [sigma]));
    expect(worst(solved(student), solved(solver, fine))).toBeLessThan(1e-13);
  });
});

describe('steering', () => {
  const all = Object.entries(students).map(([name, factory]) => [name, factory()] as const);
  const interval = [1.2, 0.5] as const;
  const after = (student: (typeof all)[number][1], scaleDir: number, scaleTime = 1) => {
    const solver = student.steered(fixed(0.4, scaleDir, scaleTime)) as Solver<SolverState>;
    return stepFrom(solver, solver.init(x, 1), interval, denoise).x;
  };

  it.each(all)('%s: the result is linear in scaleDir, and depends on it', (_, student) => {
    const [low, middle, high] = [0.9, 1, 1.1].map((scale) => after(student, scale));
    expect(
      worst(
        middle!,
        low!.map((value, i) => (value + high![i]!) / 2),
      ),
    ).toBeLessThan(1e-14);
    expect(worst(low!, high!)).toBeGreaterThan(1e-3);
  });

  it.each(all)('%s: scaleTime changes the σ that the denoiser is told, not the point', (_, student) => {
    const asked = [1, 1.1].map((scaleTime) => {
      const solver = student.steered(fixed(0.4, 1, scaleTime)) as Solver<SolverState>;
      return requestsOf({ solver, x, n: 1, sigmas: interval }, denoise)[1]!;
    });
    const middle = 0.5 ** 0.4 * 1.2 ** 0.6;
    expect(asked[0]!.sigma).toEqual(Float64Array.of(middle));
    expect(asked[1]!.sigma).toEqual(Float64Array.of(1.1 * middle));
    expect(asked[1]!.x).toEqual(asked[0]!.x);
  });
});

describe('options', () => {
  it('lower_order_final lowers the last steps, but not while history is gathered', () => {
    const run = (lowerOrderFinal: boolean, levels: number[]) =>
      solved(dpmpp({ maxOrder: 3, lowerOrderFinal }), levels);
    expect(run(true, sigmas)).not.toEqual(run(false, sigmas));
    expect(run(true, sigmas.slice(0, 3))).toEqual(run(false, sigmas.slice(0, 3)));
  });

  it.each([1, 2])('lower_order_final takes order %d when as many steps remain', (remaining) => {
    const points = [0.9, 1.6].map((sigma) => ({ model: x.map((value) => Math.sin(value * sigma)), sigma }));
    const after = (maxOrder: number, lowerOrderFinal: boolean) => {
      const state = { x, n: 1, points: points.slice(0, maxOrder - 1) };
      return stepFrom(dpmpp({ maxOrder, lowerOrderFinal }), state, [0.5, 0.2], denoise, remaining).x;
    };
    expect(after(3, true)).toEqual(after(remaining, false));
    expect(after(3, true)).not.toEqual(after(3, false));
  });

  it.each([
    ['dpm', () => dpm({ r: 0 })],
    ['dpm', () => dpm({ r: Number.NaN })],
    ['dpmpp', () => dpmpp({ maxOrder: 4 })],
    ['ipndm', () => ipndm({ maxOrder: 0 })],
    ['ipndm', () => ipndm({ maxOrder: 1.5 })],
    ['the student dpmpp', () => dpmppStudent({ maxOrder: 0 })],
    ['the student ipndm', () => ipndmStudent({ maxOrder: 5 })],
  ])('%s refuses what it has no coefficients for', (_, attempt) => {
    expect(attempt).toThrow(expect.objectContaining({ code: 'E_SOLVER' }));
  });

  it('registers every method under its own name', () => {
    for (const [name, factory] of Object.entries(solvers)) expect(factory().name).toBe(name);
    for (const [name, factory] of Object.entries(students)) expect(factory().name).toBe(name);
  });
});
