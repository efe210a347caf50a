import {
  compile,
  deis,
  dpm,
  dpmpp,
  euler,
  ipndm,
  ipndmV,
  type Solver,
  solveSync,
  tableSolver,
} from '@fewstep/solvers';
import { describe, expect, it } from 'vitest';
import { comfyuiSolvers, diffusersSolvers, fixedDecimal, sigmaList } from './sigma-list.js';

const levels = [14.6, 6.1, 2.5, 1.1, 0.4, 0.03];

/** Two clusters at ±0.3, of deviation 0.1. */
function denoised(x: number, sigma: number): number {
  const v = 0.01 + sigma * sigma;
  return (0.01 * x + sigma * sigma * 0.3 * Math.tanh((0.3 * x) / v)) / v;
}

/** What k-diffusion's samplers do of one number: each as the program has it, on a list that it takes as it is. */
const theirs: Readonly<Record<string, (x: number, sigmas: readonly number[]) => number>> = {
  euler: (x, sigmas) => multistep(x, sigmas, () => [1]),
  EulerDiscreteScheduler: (x, sigmas) => multistep(x, sigmas, () => [1]),
  ipndm: (x, sigmas) =>
    multistep(x, sigmas, (i) => {
      const weights = [
        [1],
        [3 / 2, -1 / 2],
        [23 / 12, -16 / 12, 5 / 12],
        [55 / 24, -59 / 24, 37 / 24, -9 / 24],
      ];
      return weights[Math.min(i, 3)]!;
    }),
  // the polynomial through the slopes, integrated by Simpson's rule, which is exact for cubic ones
  lms: (x, sigmas) =>
    multistep(x, sigmas, (i) => {
      const [from, to] = [sigmas[i]!, sigmas[i + 1]!];
      const nodes = sigmas.slice(Math.max(0, i - 3), i + 1).reverse();
      return nodes.map((node) => {
        const at = (tau: number) =>
          nodes.reduce(
            (product, other) => (other === node ? product : (product * (tau - other)) / (node - other)),
            1,
          );
        return (at(from) + 4 * at((from + to) / 2) + at(to)) / 6;
      });
    }),
  dpmpp_2m(x, sigmas) {
    let before: number | undefined;
    for (const [i, sigma] of sigmas.slice(0, -1).entries()) {
      const next = sigmas[i + 1]!;
      const d = denoised(x, sigma);
      const h = Math.log(sigma / next);
      const r = Math.log(sigmas[i - 1]! / sigma) / h;
      const used = before === undefined || next === 0 ? d : (1 + 1 / (2 * r)) * d - (1 / (2 * r)) * before;
      x = (next / sigma) * x - Math.expm1(-h) * used;
      before = d;
    }
    return x;
  },
  heun: (x, sigmas) => twice(x, sigmas, (_, next) => next, 1 / 2),
  dpm_2: (x, sigmas) => twice(x, sigmas, (sigma, next) => Math.sqrt(sigma * next), 1),
};
const slope = (x: number, sigma: number) => (x - denoised(x, sigma)) / sigma;

function multistep(
  x: number,
  sigmas: readonly number[],
  weightsOf: (i: number) => readonly number[],
): number {
  const slopes: number[] = [];
  for (const [i, sigma] of sigmas.slice(0, -1).entries()) {
    slopes.unshift(slope(x, sigma));
    const next = sigmas[i + 1]!;
    const weights = next === 0 ? [1] : weightsOf(i);
    x += (next - sigma) * weights.reduce((sum, weight, j) => sum + weight * slopes[j]!, 0);
  }
  return x;
}

function twice(
  x: number,
  sigmas: readonly number[],
  second: (sigma: number, next: number) => number,
  weight: number,
): number {
  for (const [i, sigma] of sigmas.slice(0, -1).entries()) {
    const next = sigmas[i + 1]!;
    const d = slope(x, sigma);
    if (next === 0) return x - sigma * d;
    const at = second(sigma, next);
    const e = slope(x + (at - sigma) * d, at);
    x += (next - sigma) * ((1 - weight) * d + weight * e);
  }
  return x;
}

describe.each([...comfyuiSolvers, ...diffusersSolvers])('$name', ({ name, solver }) => {
  it.each([false, true])(
    'is found with its levels, and does there what the table does; to zero: %s',
    (denoiseToZero) => {
      const table = compile({ solver, sigmas: levels, denoiseToZero });
      const solvers = [...comfyuiSolvers, ...diffusersSolvers].filter((one) => one.name === name);
      const list = sigmaList(table, solvers)!;
      const expected = denoiseToZero ? [...levels, 0] : levels;
      expect(list.solver).toBe(name);
      expect(list.sigmas).toHaveLength(expected.length);
      for (const [i, sigma] of expected.entries()) expect(list.sigmas[i]).toBeCloseTo(sigma, 12);
      const x = Float64Array.of(-9, 2.5, 20);
      const denoise = ({ x, sigma }: { readonly x: Float64Array; readonly sigma: unknown }) => ({
        denoised: x.map((value) => denoised(value, sigma as number)),
      });
      const ours = solveSync({ solver: tableSolver(table), x, n: 3, sigmas: [levels[0]!, 0.03], denoise }).x;
      for (const [i, value] of x.entries())
        expect(theirs[name]!(value, list.sigmas)).toBeCloseTo(ours[i]!, 10);
    },
  );
});

it.each<[string, Solver, object]>([
  ['begins analytically', ipndm(), { afs: true }],
  ['has a method that ComfyUI has otherwise', deis(), {}],
  ['has another order', ipndm({ maxOrder: 3 }), {}],
  ['lowers its order', dpmpp({ maxOrder: 2 }), {}],
])('there is none of a table that %s', (_, solver, more) => {
  expect(sigmaList(compile({ solver, sigmas: levels, ...more }), comfyuiSolvers)).toBeUndefined();
});

it('there is none of a trained table, however little it was moved', () => {
  const { sigmas, rows } = compile({ solver: euler, sigmas: levels });
  const moved = rows.map((row, k) => row.map((value, j) => (k === 2 && j === 1 ? value + 1e-6 : value)));
  expect(sigmaList({ sigmas, rows }, comfyuiSolvers)?.solver).toBe('euler');
  expect(sigmaList({ sigmas, rows: moved }, comfyuiSolvers)).toBeUndefined();
  expect(
    sigmaList({ sigmas: sigmas.map((sigma) => sigma * (1 + 1e-6)), rows }, comfyuiSolvers),
  ).toBeUndefined();
});

it('takes the simplest of two that are the same', () => {
  expect(sigmaList(compile({ solver: ipndmV(), sigmas: [9, 1] }), comfyuiSolvers)?.solver).toBe('euler');
  expect(sigmaList(compile({ solver: dpm(), sigmas: [9, 1] }), comfyuiSolvers)?.solver).toBe('dpm_2');
  expect(sigmaList({ sigmas: [9], rows: [[9], [0, 1]] }, comfyuiSolvers)).toBeUndefined();
});

it.each([14.614641229333643, 0.029167158151720367, 80, 0, 1e-7, 1.2345678901e-9, 5e20])(
  '%d is read to the last digit of float32',
  (value) => {
    const found = fixedDecimal(value).match(/[-+]?(?:\d*\.*\d+)/g)!;
    expect(found.map((text) => Math.fround(Number(text)))).toEqual([Math.fround(value)]);
  },
);
