import { expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import { predict } from '../learned/predictor.js';
import { centred, initPredictor } from '../learned/predictor-init.js';
import { trainer } from '../learned/predictor-trainer.js';
import { trainTowards } from '../learned/train-end-to-end.js';
import { denoiser, twoClusters } from '../methods/analytic.test.helpers.js';
import { ipndm } from '../methods/ipndm.js';
import type { Predict } from '../solver.js';
import { compile } from '../table/compile.js';
import { tableSolver } from '../table/sampler-table.js';
import { tableLevels, tableOutputs, tableStudent } from './table.js';

const plain = compile({ solver: ipndm(), sigmas: [20, 4, 1, 0.1] });
const bands = { shape: [1, 2, 2], edges: [0.3] } as const;
const last = plain.rows[3]!;
const table = {
  sigmas: plain.sigmas,
  rows: [...plain.rows.slice(0, 3), last.flatMap((weight) => [weight, 1.1 * weight])],
  bands,
};
const student = tableStudent(table);
const outputs = tableOutputs(0.4);
const levels = tableLevels(table, 20, 0.1);
const [n, size] = [5, 4];
const x = Float64Array.from({ length: n * size }, (_, i) => 20 * Math.cos(3 * i + 1));
const denoise = denoiser(twoClusters, n);
const begun = (seed: number) => centred(initPredictor({ seed, outputs }));

it('is the table to the last bit where nothing is scaled', () => {
  const own = solveSync({ solver: tableSolver(table), x, n, sigmas: [20, 0.1], denoise });
  for (const seed of [1, 2]) {
    const solver = student.steered(predict(begun(seed)));
    expect(solveSync({ solver, x, n, sigmas: levels, denoise })).toEqual(own);
  }
});

it('tells the network the scaled noise levels from the second on, of each sample its own', () => {
  const seen: (readonly [number, number])[] = [];
  const scale = (k: number) => Float64Array.from({ length: n }, (_, i) => 1 + (k + 1) / (10 + i));
  const steer: Predict = (_, sigma, sigmaNext) => {
    seen.push([sigma, sigmaNext]);
    return { scale_time: scale(seen.length - 1) };
  };
  const told: unknown[] = [];
  solveSync({
    solver: student.steered(steer),
    ...{ x, n, sigmas: levels },
    denoise: (request) => {
      told.push(request.sigma);
      return denoise(request);
    },
  });
  const [first, second, third] = table.sigmas as [number, number, number];
  // the predictor is told the table's own
  expect(seen).toEqual([
    [first, second],
    [second, third],
  ]);
  expect(told).toEqual([first, scale(0).map((c) => c * second), scale(1).map((c) => c * third)]);
});

it('comes nearer to where a teacher ends, and asks for what it says', async () => {
  // another noise level of its own for each sample would have made them
  const wanted: Predict = (bottleneck, sigma) => ({
    scale_time: Float64Array.from(
      { length: n },
      (_, i) => 1 + 0.3 * Math.tanh(bottleneck[64 * i + 1]! * sigma),
    ),
  });
  const goal = solveSync({ solver: student.steered(wanted), x, n, sigmas: levels, denoise }).x;
  const training = trainer({ predictor: begun(1), lr: 0.02 });
  const losses: number[] = [];
  for (let i = 0; i < 12; i++) {
    let asked = 0;
    const intervals = await trainTowards({
      trainer: training,
      ...{ student, n, sigmas: levels, start: x, goal, done: i / 12 },
      denoise: (request) => {
        asked++;
        return denoise(request);
      },
    });
    // three evaluations, two again for the scale of the second, one for that of the third
    expect([asked, ...intervals.map(({ nfe }) => nfe)]).toEqual([6, 3, 3]);
    expect(intervals[0]!.loss).toBeUndefined();
    losses.push(intervals.at(-1)!.loss!);
  }
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4);
  const { x: end } = solveSync({
    solver: student.steered(predict(training.predictor)),
    ...{ x, n, sigmas: levels, denoise },
  });
  const left = end.reduce((sum, value, i) => sum + (value - goal[i]!) ** 2, 0) / n;
  expect(left).toBeLessThan(losses[0]! / 4);
});

it('refuses what has nothing to steer, and predictors of others', () => {
  const refused = (evidence: object) => expect.objectContaining({ code: 'E_SOLVER', evidence });
  expect(() => tableStudent({ sigmas: [1], rows: [[1], [0, 1]] })).toThrow(refused({ evaluations: 1 }));
  for (const reach of [0, 1, Number.NaN])
    expect(() => tableOutputs(reach)).toThrow(refused({ name: 'scale_time', found: reach }));
  const other = student.steered(() => ({ r: new Float64Array(n) }));
  expect(() => solveSync({ solver: other, x, n, sigmas: levels, denoise })).toThrow(
    refused({ found: ['r'] }),
  );
});
