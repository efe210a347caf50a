import { number } from '@fewstep/schedules';
import { expect, it } from 'vitest';
import { byName } from '../by-name.js';
import { evaluate } from '../drive/evaluate.js';
import { solveSync } from '../drive/solve.js';
import { within } from '../fit/block.js';
import { fit } from '../fit/fit.js';
import { slopeAt } from '../math/vector.js';
import { denoiser, twoClusters, worst } from '../methods/analytic.test.helpers.js';
import { euler, eulerUpdate } from '../methods/euler.js';
import { heun } from '../methods/heun.js';
import { torchCpu } from '../random/torch-cpu.js';
import type { Solver, Vector } from '../solver.js';
import { middleOf } from '../students/placement.js';
import { compileLinear } from '../table/compile.js';
import { tableSolver } from '../table/sampler-table.js';
import { generator, startOf } from './generator.js';
import { generators } from './registry.js';

/*
 * One more generator is one declaration: PFDiff (arXiv:2408.08822), whose springboard, reached by the slope before and asked
 * at in place of the step's own beginning, stands at a part of the step that is free here. PFDiff-2_1 has it a third of the
 * way, in steps of a finer grid.
 */
const springboards = generator({
  name: 'springboards',
  description: 'where in each interval but the first its only evaluation is',
  options: {
    place: number({ minimum: 0, maximum: 1 }, 1 / 3, 'Part of an interval, in log σ, where it begins.'),
  },
  evaluations: () => 1,
  make: ({ place }, start) => ({
    parameters: Array.from(start.sigmas)
      .slice(2)
      .map((_, k) => ({ name: `place ${k + 1}`, start: place, step: 1e-2 })),
    table: (values) => compileLinear({ ...start, solver: pfdiff(values) }),
  }),
});
const pfdiff = (places: ArrayLike<number>): Solver<{ x: Vector; slope?: Vector; k: number }> => ({
  name: 'springboards',
  order: 0,
  init: (x) => ({ x, k: 0 }),
  *step({ x, slope: before, k }, sigma, sigmaNext) {
    const at = before ? middleOf(places[k - 1]!, sigma, sigmaNext) : sigma;
    const springboard = before ? eulerUpdate(x, before, sigma, at) : x;
    const slope = slopeAt(springboard, (yield* evaluate(springboard, at)).denoised, at);
    return { x: eulerUpdate(x, slope, sigma, sigmaNext), slope, k: k + 1 };
  },
});

it('takes one file: it is made, begins at the published method, and is fitted as the others', async () => {
  // after the first step, groups of three of a grid even in log σ
  const fine = Array.from({ length: 11 }, (_, i) => 80 * (0.05 / 80) ** (i / 10));
  const sigmas = fine.filter((_, i) => i === 0 || (i - 1) % 3 === 0);
  const all = { ...generators, ...byName(springboards) };
  const start = { solver: euler as Solver, sigmas, shape: [1, 1, 4] as const };
  const family = all.springboards.make({ place: 1 / 3 }, start);

  const noise = torchCpu(1).randn(40);
  const denoise = denoiser(twoClusters);
  let x: Vector = noise.map((z) => 80 * z);
  const slope = (of: Vector, sigma: number) => {
    const { denoised } = denoise({ x: of, sigma });
    return of.map((value, i) => (value - denoised[i]!) / sigma);
  };
  const moved = (of: Vector, by: Vector, width: number) => of.map((value, i) => value + width * by[i]!);
  let known = slope(x, fine[0]!);
  x = moved(x, known, fine[1]! - fine[0]!);
  for (let i = 1; i + 3 < fine.length; i += 3) {
    known = slope(moved(x, known, fine[i + 1]! - fine[i]!), fine[i + 1]!);
    x = moved(x, known, fine[i + 3]! - fine[i]!);
  }
  const sampled = (solver: Solver, levels: readonly number[], n = 1) =>
    solveSync({ solver, x: noise.map((z) => 80 * z), n, sigmas: levels, denoise: denoiser(twoClusters, n) })
      .x;
  expect(worst(sampled(tableSolver(startOf(family)) as Solver, [80, 0.05]), x)).toBeLessThan(1e-12);

  const block = { noise, goal: sampled(heun as Solver, fine, 10), n: 10 };
  const { state } = await fit({
    family,
    rounds: [0, 0, 0].map((keep) => ({ blocks: [block], keep })),
    validation: [block],
    denoise: (request) => denoiser(twoClusters, request.owners.length)(request),
    view: within(),
  });
  expect(state.best!.validation).toBeLessThan(0.9 * state.log[0]!.validation);
});
