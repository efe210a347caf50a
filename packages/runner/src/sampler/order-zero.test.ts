import { compile, heun, methods } from '@fewstep/solvers';
import { expect, it } from 'vitest';
import { orderZeroOff } from './order-zero.js';
import { plain } from './samplers.test.support.js';

const sigmas = [80, 9.7, 1.1, 0.002];
const range = { sigmaMin: 0.002, sigmaMax: 80 };
const off = (table: typeof plain.table) => orderZeroOff({ ...plain, table });

it.each([
  heun,
  methods.ipndm.make({ max_order: 4 }, range),
  methods.deis.make({ max_order: 3, deis_mode: 'tab' }, range),
])('$name reproduces a point at every row', (solver) => {
  for (const denoiseToZero of [false, true])
    for (const one of off(compile({ solver, sigmas, denoiseToZero })))
      expect(Math.abs(one)).toBeLessThan(1e-12);
});

it('a row that doesn’t is off by what its answers lack, of bands the furthest', () => {
  const [first, ...rows] = [[80], [8, 0.9], [0, 0.5, 0.625]];
  expect(off({ sigmas: [80, 8], rows: [first!, ...rows] })).toEqual([0, 0, 0.125]);
  const bands = { shape: [1, 32, 32], edges: [0.5] } as const;
  const byBand = { sigmas: [80, 8], rows: [first!, [8, 8, 0.9, 0.65], rows[1]!], bands };
  expect(off(byBand)).toEqual([0, -0.25, 0.125]);
});
