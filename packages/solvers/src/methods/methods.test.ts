import { describe, expect, it } from 'vitest';
import { solvers, students } from '../declared.test.helpers.js';
import { solveSync } from '../drive/solve.js';
import type { Evaluation, Request, Solver, SolverState, Vector } from '../solver.js';
import { amed } from '../students/amed.js';
import { dpmStudent } from '../students/dpm.js';
import { dpmppStudent } from '../students/dpmpp.js';
import { eulerStudent } from '../students/euler.js';
import { ipndmStudent } from '../students/ipndm.js';
import { denoiser, fixed, requestsOf, stepFrom, twoClusters, worst } from './analytic.test.helpers.js';
import { deis } from './deis.js';
import { dpm } from './dpm.js';
import { type DpmppOptions, dpmpp } from './dpmpp.js';
import { euler } from './euler.js';
import { ipndm } from './ipndm.js';
import { ipndmV } from './ipndm-v.js';
import { type Thresholding, threshold } from './threshold.js';
import { unipc } from './unipc.js';

const x = Float64Array.of(-2, 0.4, 1.7);
const sigmas = [3, 1.2, 0.5, 0.2, 0.1];
const denoise = denoiser(twoClusters);
const solved = (solver: Solver<SolverState>, levels = sigmas) =>
  solveSync({ solver, x, n: 1, sigmas: levels, denoise }).x;

describe('methods that are the same by another name', () => {
  it.each([
    ['ipndm of order 1', ipndm({ maxOrder: 1 }), euler],
    ['ipndm_v of order 1', ipndmV({ maxOrder: 1 }), euler],
    ['deis tab of order 1', deis({ maxOrder: 1 }), euler],
    ['deis rhoab', deis({ deisMode: 'rhoab' }), ipndmV()],
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

  it.each([2, 3, 4])('ipndm_v of order %d on an even grid is ipndm', (maxOrder) => {
    const even = [3, 2.5, 2, 1.5, 1, 0.5];
    expect(worst(solved(ipndmV({ maxOrder }), even), solved(ipndm({ maxOrder }), even))).toBeLessThan(1e-13);
    expect(worst(solved(ipndmV({ maxOrder })), solved(ipndm({ maxOrder })))).toBeGreaterThan(1e-3);
  });

  it.each([
    [1, true],
    [1, false],
    [2, true],
    [2, false],
  ])('unipc bh2 of order %d, predict_x0 %s, uncorrected is dpmpp', (maxOrder, predictX0) => {
    const options = { maxOrder, predictX0, lowerOrderFinal: false };
    const modelAt = (level: number) =>
      x.map((value) => (predictX0 ? twoClusters(value, level) : (value - twoClusters(value, level)) / level));
    const points = [0.5, 0.9].slice(0, maxOrder).map((sigma) => ({ model: modelAt(sigma), sigma }));
    const predicted = stepFrom(unipc(options), { x, n: 1, points }, [0.5, 0.2], denoise, 1);
    const state = stepFrom(dpmpp(options), { x, n: 1, points: points.slice(1) }, [0.5, 0.2], denoise, 1);
    expect(worst(predicted.x, state.x)).toBeLessThan(1e-15);
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

  it.each([1, 2])('unipc: lower_order_final takes order %d when as many steps remain', (remaining) => {
    const points = [0.5, 0.9, 1.6].map((sigma) => ({
      model: x.map((value) => Math.sin(value * sigma)),
      sigma,
    }));
    const after = (maxOrder: number, lowerOrderFinal: boolean) => {
      const state = { x, n: 1, points: points.slice(0, maxOrder) };
      return stepFrom(unipc({ maxOrder, lowerOrderFinal }), state, [0.5, 0.2], denoise, remaining).x;
    };
    expect(after(3, true)).toEqual(after(remaining, false));
    expect(after(3, true)).not.toEqual(after(3, false));
  });

  it('unipc: lower_order_final lowers no step that still gathers history', () => {
    const run = (lowerOrderFinal: boolean, levels: number[]) =>
      solved(unipc({ maxOrder: 3, lowerOrderFinal }), levels);
    expect(run(true, sigmas)).not.toEqual(run(false, sigmas));
    expect(run(true, sigmas.slice(0, 3))).toEqual(run(false, sigmas.slice(0, 3)));
  });

  it.each([
    ['dpmpp', dpmpp],
    ['unipc', unipc],
    ['the student dpmpp', (options?: DpmppOptions) => dpmppStudent(options).steered(fixed())],
  ])('%s thresholds every evaluation where it is told so, and none by default', (_, factory) => {
    const bright = ({ x, sigma }: Request): Evaluation => ({
      denoised: x.map((value, i) => 3 * twoClusters(value, (sigma as Vector)[i] ?? (sigma as number)) + 2),
      bottleneck: new Float64Array(64),
    });
    const thresholded = (request: Request): Evaluation => {
      const { denoised, ...others } = bright(request);
      return { ...others, denoised: threshold(denoised, 1) };
    };
    const run = (thresholding: Thresholding | undefined, answer: typeof bright) => {
      const solver = factory(thresholding && { thresholding }) as Solver<SolverState>;
      return solveSync({ solver, x, n: 1, sigmas, denoise: answer }).x;
    };
    expect(run('dynamic', bright)).toEqual(run('dynamic', thresholded));
    expect(run('dynamic', bright)).toEqual(run('none', thresholded));
    expect(run(undefined, bright)).toEqual(run('none', bright));
    expect(worst(run('none', bright), run('dynamic', bright))).toBeGreaterThan(0.1);
  });

  it('unipc asks twice in its first step, where it predicts in each, and not in its last', () => {
    const levels = sigmas.slice(0, 4);
    const asked: number[][] = [];
    const { trajectory } = solveSync({
      solver: unipc(),
      x,
      n: 1,
      sigmas: levels,
      keep: 'all',
      denoise,
      onEvaluation: ({ step, stage, request }) => asked.push([step, stage, request.sigma as number]),
    });
    expect(asked).toEqual([
      [0, 0, 3],
      [0, 1, 1.2],
      [1, 0, 0.5],
    ]);
    expect(trajectory).toHaveLength(4);
  });

  const data = { maxOrder: 3, predictX0: true, thresholding: 'none', lowerOrderFinal: true } as const;
  it.each<[string, Solver<SolverState>, Solver<SolverState>]>([
    ['dpm', dpm(), dpm({ r: 0.5 })],
    ['dpmpp', dpmpp(), dpmpp(data)],
    ['unipc', unipc(), unipc({ ...data, variant: 'bh2' })],
    ['ipndm', ipndm(), ipndm({ maxOrder: 4 })],
    ['ipndm_v', ipndmV(), ipndmV({ maxOrder: 4 })],
    ['deis', deis(), deis({ maxOrder: 4, deisMode: 'tab', sigmaMin: 0.002, sigmaMax: 80 })],
    ['the student dpmpp', dpmppStudent().steered(fixed()), dpmppStudent(data).steered(fixed())],
    ['the student ipndm', ipndmStudent().steered(fixed()), ipndmStudent({ maxOrder: 4 }).steered(fixed())],
  ])('%s has the defaults that it documents', (_, plain, explicit) => {
    // Long enough for a step of order 4, and for one of order 3 before the last ones are lowered.
    const levels = [3, 2, 1.2, 0.8, 0.5, 0.2, 0.1];
    expect(solved(plain, levels)).toEqual(solved(explicit, levels));
    expect(plain.order).toBe(explicit.order);
  });

  it('deis tab takes its time from the range, but not where a single slope leaves no choice', () => {
    const run = (maxOrder: number, range: object) => solved(deis({ maxOrder, ...range }));
    const [edm, latent] = [
      { sigmaMin: 0.002, sigmaMax: 80 },
      { sigmaMin: 0.03, sigmaMax: 14.6 },
    ];
    expect(run(3, {})).toEqual(run(3, edm));
    expect(worst(run(3, latent), run(3, edm))).toBeGreaterThan(1e-5);
    expect(worst(run(1, latent), run(1, edm))).toBeLessThan(1e-13);
  });

  it.each([
    ['dpm', () => dpm({ r: 0 })],
    ['dpm', () => dpm({ r: Number.NaN })],
    ['dpmpp', () => dpmpp({ maxOrder: 4 })],
    ['ipndm', () => ipndm({ maxOrder: 0 })],
    ['ipndm', () => ipndm({ maxOrder: 1.5 })],
    ['ipndm_v', () => ipndmV({ maxOrder: 5 })],
    ['deis', () => deis({ maxOrder: 5 })],
    ['deis', () => deis({ deisMode: 'tAB' as 'tab' })],
    ['deis', () => deis({ sigmaMin: 80, sigmaMax: 0.002 })],
    ['unipc', () => unipc({ maxOrder: 4 })],
    ['unipc', () => unipc({ variant: 'bh3' as 'bh2' })],
    ['unipc', () => unipc({ predictX0: false, thresholding: 'dynamic' })],
    ['dpmpp', () => dpmpp({ predictX0: false, thresholding: 'dynamic' })],
    ['dpmpp', () => dpmpp({ thresholding: 'static' as 'none' })],
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
