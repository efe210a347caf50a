import { sigmas as sigmasOf } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { solvers, students } from '../declared.test.helpers.js';
import { solveSync } from '../drive/solve.js';
import { trainingBatch } from '../methods/analytic.test.helpers.js';
import type { Solver, Student } from '../solver.js';
import { placement } from '../students/placement.js';
import { embedLevels, predict } from './predictor.js';
import { initPredictor } from './predictor-init.js';
import { withMiddles } from './predictor-middles.js';

const n = 4;
const { denoise, start } = trainingBatch(n, 3);
const settings = { scale_dir: 0.05, scale_time: 0.2 };
const fine = (numSteps: number) =>
  sigmasOf({ type: 'polynomial', rho: 7 }, { numSteps: 2 * numSteps - 1, sigmaMin: 0.002, sigmaMax: 80 });
const split = (all: Float64Array) => [0, 1].map((odd) => all.filter((_, i) => i % 2 === odd));
const begun = (seed: number, numSteps: number) => {
  const [sigmas, middles] = split(fine(numSteps)) as [Float64Array, Float64Array];
  return {
    sigmas,
    middles,
    predictor: withMiddles(initPredictor({ seed, outputs: placement(settings) }), sigmas, middles),
  };
};

describe('a predictor with given middles', () => {
  it.each([3, 4, 6, 10])('names them in %i steps, of whatever training seed', (numSteps) => {
    for (const seed of [0, 1, 2]) {
      const { sigmas, middles, predictor } = begun(seed, numSteps);
      const bottleneck = Float64Array.from({ length: 128 }, (_, i) => Math.sin(i));
      middles.forEach((middle, k) => {
        const { r, scale_dir, scale_time } = predict(predictor)(bottleneck, sigmas[k]!, sigmas[k + 1]!);
        const expected = Math.log(sigmas[k]! / middle) / Math.log(sigmas[k]! / sigmas[k + 1]!);
        for (const found of r!) expect(Math.abs(found - expected)).toBeLessThan(0.01);
        expect([...scale_dir!, ...scale_time!]).toEqual([1, 1, 1, 1]);
      });
    }
  });

  it('tells intervals apart: one answer for all would be far off', () => {
    const sigmas = [80, 7, 1.3, 0.002];
    const middles = [21, 2.9, 0.53];
    const ask = predict(
      withMiddles(initPredictor({ seed: 0, outputs: placement(settings) }), sigmas, middles),
    );
    const r = middles.map((_, k) => ask(new Float64Array(64), sigmas[k]!, sigmas[k + 1]!).r![0]!);
    for (const [k, expected] of [0.549, 0.523, 0.1386].entries())
      expect(Math.abs(r[k]! - expected)).toBeLessThan(0.01);
  });

  it('steers a student to what the plain solver draws on all levels', () => {
    const { sigmas, predictor } = begun(0, 4);
    const asked = predict(predictor);
    const reached = (k: number) => {
      const r = asked(new Float64Array(64), sigmas[k]!, sigmas[k + 1]!).r![0]!;
      return sigmas[k]! ** (1 - r) * sigmas[k + 1]! ** r;
    };
    const levels = [...sigmas].flatMap((sigma, k) => (k < 3 ? [sigma, reached(k)] : [sigma]));
    for (const name of ['euler', 'ipndm'] as const) {
      const student = students[name]() as Student;
      const plain = solvers[name]() as Solver;
      const steered = solveSync({ solver: student.steered(asked), x: start, n, sigmas, denoise });
      const { x } = solveSync({ solver: plain, x: start, n, sigmas: levels, denoise });
      steered.x.forEach((value, i) => {
        expect(Math.abs(value / x[i]! - 1)).toBeLessThan(1e-9);
      });
    }
  });

  it('keeps every other layer', () => {
    const untrained = initPredictor({ seed: 3, outputs: placement(settings) });
    const { weights } = begun(3, 4).predictor;
    for (const [name, weight] of Object.entries(untrained.weights))
      if (!name.startsWith('fc_')) expect(weights[name]).toEqual(weight);
    expect(embedLevels(begun(3, 4).predictor, 80, 1)).toEqual(embedLevels(untrained, 80, 1));
  });

  it('refuses a middle that lies outside', () => {
    const untrained = initPredictor({ seed: 0, outputs: placement(settings) });
    for (const middles of [[90], [80], [1], [0.5], [Number.NaN]])
      expect(() => withMiddles(untrained, [80, 1], middles)).toThrow(
        expect.objectContaining({ code: 'E_TRAINING', message: expect.stringContaining('from 80 to 1') }),
      );
    for (const middles of [[], [10, 0.5]])
      expect(() => withMiddles(untrained, [80, 1], middles)).toThrow(
        expect.objectContaining({
          code: 'E_TRAINING',
          message: expect.stringContaining(`found ${middles.length} for 2`),
        }),
      );
  });
});
