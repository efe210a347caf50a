import { withDefaults } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { dyweightGenerator } from '../generators/dyweight.js';
import { startOf } from '../generators/generator.js';
import { timesGenerator } from '../generators/times.js';
import { plainMethods } from '../methods/analytic.test.helpers.js';
import { euler } from '../methods/euler.js';
import type { Solver } from '../solver.js';
import { compile } from './compile.js';
import { residualsOf } from './residuals.js';

const sigmas = [80, 20, 5, 0.5];
const start = { solver: euler as Solver, sigmas, shape: [1, 1, 1] as const };
const largest = (residuals: ReturnType<typeof residualsOf>) =>
  Math.max(...residuals.flatMap(({ noise, data }) => [Math.abs(noise), Math.abs(data)]));

describe.each(plainMethods)('$label', ({ solver }) => {
  it.each([false, true])(
    'stays on the line from the noise to the data, denoised at the end: %s',
    (denoiseToZero) => {
      const table = compile({ solver, sigmas, denoiseToZero });
      expect(largest(residualsOf(table, 80, denoiseToZero ? 0 : 0.5))).toBeLessThan(1e-10);
      expect(residualsOf(table, 80)).toEqual(
        denoiseToZero
          ? residualsOf(table, 80, 0)
          : residualsOf(table, 80, 0.5).map(({ data }, k) =>
              k < table.sigmas.length ? expect.anything() : { noise: 0, data: expect.closeTo(data, 10) },
            ),
      );
    },
  );
});

it('says how far an analytical first step goes towards the mean', () => {
  const table = compile({ solver: euler, sigmas, afs: true });
  // x + (20 − 80)·x/√(1 + 80²), of which the line has 20z + ¾c
  expect(residualsOf(table, 80)[0]).toEqual({
    noise: expect.closeTo(80 - (60 * 80) / Math.sqrt(6401) - 20, 10),
    data: expect.closeTo(-0.75, 10),
  });
});

it('says what is learned beyond the line', () => {
  const weighted = dyweightGenerator.make({ window: 1 }, start);
  const values = weighted.parameters.map(({ name, start }) => (name === 'weight 0,0' ? 0.9 : start));
  // τ is 80 − 0.9·60 = 26, which is told, and x there: a state of the line
  expect(largest(residualsOf(weighted.table(values), 80, 0.5))).toBeLessThan(1e-10);
  const scaled = weighted.parameters.map(({ name, start }) => (name === 'scale 1' ? 1.1 : start));
  expect(residualsOf(weighted.table(scaled), 80, 0.5)).toEqual([
    { noise: 0, data: 0 },
    { noise: expect.closeTo(-2, 10), data: expect.closeTo(2 / 80, 10) },
    { noise: expect.closeTo(0, 10), data: expect.closeTo(0, 10) },
    { noise: expect.closeTo(0, 10), data: expect.closeTo(0, 10) },
  ]);
  const times = timesGenerator.make(withDefaults(timesGenerator.options, {}), start);
  expect(largest(residualsOf(startOf(times), 80, 0.5))).toBeLessThan(1e-10);
});

it('is that of the farthest band', () => {
  const bands = { shape: [1, 2, 2] as const, edges: [0.5] };
  const table = { sigmas: [80], rows: [[80], [1, 0.7, 0.9, 1.2]], bands };
  expect(residualsOf(table, 80, 1)).toEqual([
    { noise: 0, data: 0 },
    { noise: expect.closeTo(-0.3, 12), data: expect.closeTo(1.2 - 79 / 80, 12) },
  ]);
});
