import { describe, expect, it } from 'vitest';
import type { JointRequest } from '../drive/lockstep.js';
import { solveSync } from '../drive/solve.js';
import { denoiser, gaussian, twoClusters } from '../methods/analytic.test.helpers.js';
import { heun } from '../methods/heun.js';
import { ipndm } from '../methods/ipndm.js';
import { torchCpu } from '../random/torch-cpu.js';
import type { Vector } from '../solver.js';
import { compile } from '../table/compile.js';
import { known, rowOf } from '../table/rows.js';
import { type SamplerTable, tableSolver } from '../table/sampler-table.js';
import { within } from './block.js';
import { boundsByBand } from './last-row.js';
import { boundsCost, boundsOf } from './oracle.js';
import { squaresOf } from './squares.js';

const size = 8;
const noiseOf = (seed: number, n: number, width = size) => torchCpu(seed).randn(n * width);
const all = within();
type At = (x: number, sigma: number) => number;

/** A network that counts what it is asked for. */
function counting(at: At) {
  const counted = { calls: 0, requests: 0, owners: new Set<number>() };
  const denoise = (request: JointRequest) => {
    counted.calls += request.owners.length;
    counted.requests++;
    for (const owner of request.owners) counted.owners.add(owner);
    return denoiser(at, request.owners.length)(request);
  };
  return { counted, denoise };
}

/** Where a teacher of many steps ends. */
function block(at: At, seed: number, n: number) {
  const noise = noiseOf(seed, n);
  const sigmas = Array.from({ length: 50 }, (_, i) => 0.5 * (0.01 / 0.5) ** (i / 49));
  const { x } = solveSync({
    solver: heun,
    x: noise.map((z) => 0.5 * z),
    n,
    sigmas,
    denoise: denoiser(at, n),
  });
  return { noise, goal: x, n };
}

/** Σ e² of the best sum of vectors, by Gram and Schmidt. */
function leastSquares(vectors: readonly Vector[], goal: Vector): number {
  const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const less = (from: Vector, of: Vector) => {
    const part = dot(from, of);
    return from.map((value, i) => value - part * of[i]!);
  };
  const basis: Vector[] = [];
  for (const vector of vectors) {
    let left = vector;
    for (let twice = 0; twice < 2; twice++) for (const one of basis) left = less(left, one);
    const length = Math.sqrt(dot(left, left));
    if (length > 1e-10) basis.push(left.map((value) => value / length));
  }
  const rest = basis.reduce(less, goal);
  return dot(rest, rest);
}

const sigmas = [0.5, 0.25, 0.12, 0.05, 0.01];
const table = compile({ solver: ipndm({ maxOrder: 2 }), sigmas, afs: true });

describe('samples of their own numbers', () => {
  const n = 4;
  const whole = block(twoClusters, 5, n);
  const { counted, denoise } = counting(twoClusters);
  const bounds = boundsOf(table, whole, denoise, all);
  const of = async (name: string) => (await bounds).find(({ steered }) => steered === name)!.squares;

  it('have none, one row, what is told, or all of them, and all that they ask for is counted', async () => {
    expect((await bounds).map(({ steered, parameters }) => [steered, parameters])).toEqual([
      ['nothing', 0],
      ['last row', 4],
      ['sigmas', 3],
      ['row 0', 1],
      ['row 1', 2],
      ['row 2', 3],
      ['all', 13],
    ]);
    expect((await bounds).reduce((sum, { calls }) => sum + calls, 0)).toBe(counted.calls);
    expect(counted.calls).toBeLessThanOrEqual(n * boundsCost(table));
    expect(counted.calls).toBeGreaterThan((n * boundsCost(table)) / 4);
    // the table's own answers, put together otherwise
    expect((await bounds).slice(0, 2).map(({ calls }) => calls)).toEqual([3 * n, 0]);
    expect([...counted.owners]).toEqual([0, 1, 2, 3]);
  });

  it('are fitted side by side as they are alone', async () => {
    const [, second] = await Promise.all(
      [0, 1].map((i) => {
        const part = (values: Vector) => values.subarray(i * size, (i + 1) * size);
        const alone = { noise: part(whole.noise), goal: part(whole.goal), n: 1 };
        return boundsOf(table, alone, counting(twoClusters).denoise, all);
      }),
    );
    expect((await bounds).map(({ squares }) => squares[1])).toEqual(second!.map(({ squares }) => squares[0]));
    // as many at a time as there are samples, or more
    expect(counted.requests).toBeLessThan(counted.calls / n);
  });

  it('fail where the network fails, or the table', async () => {
    const failing = () => Promise.reject(new Error('the network is gone'));
    await expect(boundsOf(table, whole, failing, all)).rejects.toThrow('the network is gone');
    const steep = { sigmas: [1], rows: [[1e200], [0, 1e200]] };
    await expect(boundsOf(steep, whole, counting((x) => x ** 3).denoise, all)).rejects.toMatchObject({
      code: 'E_SOLVER',
    });
  });

  it('of none are those of the table', async () => {
    const [shared] = (await squaresOf([table], whole, counting(twoClusters).denoise, all)).squares;
    const squares = await of('nothing');
    expect(squares.reduce((a, b) => a + b)).toBeCloseTo(shared!, 12);
  });

  it('are the nearer the more there are, and there where there are more than numbers of an image', async () => {
    for (const { squares } of await bounds)
      for (const [i, square] of squares.entries()) {
        expect(square).toBeLessThanOrEqual((await of('nothing'))[i]!);
        expect(square).toBeGreaterThanOrEqual((await of('all'))[i]!);
      }
    for (const square of await of('all')) expect(square).toBeLessThan(1e-6);
  });
});

/** What the network answers to the table's questions, [n × size] each. */
function answersTo(of: SamplerTable, noise: Vector): Vector[] {
  const answers: Vector[] = [];
  const denoise = denoiser(twoClusters);
  solveSync({
    ...{ solver: tableSolver(of), x: noise, n: 1, sigmas: [1, 0.5] },
    denoise: (request) => {
      const answer = denoise(request);
      answers.push(answer.denoised);
      return answer;
    },
  });
  return answers;
}

it('a last row of its own is the least squares of an image’s answers', async () => {
  const noise = noiseOf(6, 2);
  const goal = noise.map((z) => Math.cos(3 * z));
  const bounds = await boundsOf(table, { noise, goal, n: 2 }, counting(twoClusters).denoise, all);
  for (const i of [0, 1]) {
    const [z, wanted] = [noise, goal].map((values) => values.subarray(i * size, (i + 1) * size));
    const least = leastSquares([z!, ...answersTo(table, z!)], wanted!);
    expect(least).toBeGreaterThan(0.1);
    expect(Math.abs(bounds[1]!.squares[i]! / least - 1)).toBeLessThan(0.01);
  }
});

it('of a Gaussian what is told alone brings an image to its answer', async () => {
  const { at, flow } = gaussian(0.3, 0.5);
  const noise = noiseOf(1, 3, 1);
  const exact = { noise, goal: noise.map((z) => flow(80 * z, 80, 0.01)), n: 3 };
  const euler = compile({ solver: ipndm({ maxOrder: 1 }), sigmas: [80, 1, 0.01] });
  const bounds = await boundsOf(euler, exact, counting(at).denoise, all);
  const { squares } = bounds.find(({ steered }) => steered === 'sigmas')!;
  for (const square of squares) expect(square).toBeLessThan(1e-8);
});

describe('a last row by band', () => {
  const shape = [1, 4, 4] as const;
  const noise = noiseOf(3, 6, 16);
  const answers = answersTo(table, noise);
  const found = async (goal: Vector, of = table) => {
    const { counted, denoise } = counting(twoClusters);
    const bounds = await boundsByBand(of, shape, { noise, goal, n: 6 }, denoise, all);
    expect(bounds.map(({ calls }) => calls)).toEqual([18, 0, 0, 0]);
    expect(counted.calls).toBe(18);
    expect(bounds.map(({ steered, parameters }) => [steered, parameters])).toEqual([
      ['nothing', 0],
      ['last row in 1 band', 4],
      ['last row in 2 bands', 8],
      ['last row in 4 bands', 16],
    ]);
    return bounds.map(({ squares }) => squares);
  };

  it('finds what is by band, and is told of others than it was fitted to', async () => {
    const bands = { shape, edges: [0.4] };
    const high = rowOf([0, 1], [known(noise)], bands);
    // what is high is half the noise, what is low the last answer
    const low = rowOf([1, 0], [known(answers.at(-1)!)], bands);
    const goal = low.map((value, i) => value + high[i]! / 2);
    const [, one, two, four] = await found(goal);
    for (const squares of [one, two, four]) expect(squares).toHaveLength(3);
    for (const square of one!) expect(square).toBeGreaterThan(0.1);
    for (const square of [...two!, ...four!]) expect(square).toBeLessThan(1e-3);
    // of a table that has it
    const by = { ...table, rows: [...table.rows.slice(0, -1), [0, 0.5, 0, 0, 0, 0, 1, 0]], bands };
    for (const square of (await found(goal, by))[0]!) expect(square).toBeLessThan(1e-20);
  });

  it('of one band is the least squares of the answers', async () => {
    // alike in both halves
    const twice = (values: Vector) =>
      Float64Array.from([...values.subarray(0, 48), ...values.subarray(0, 48)]);
    const [both, { denoise }] = [twice(noise), counting(twoClusters)];
    const goal = both.map((z) => Math.cos(3 * z));
    const bounds = await boundsByBand(table, shape, { noise: both, goal, n: 6 }, denoise, all);
    const half = (values: Vector) => values.subarray(0, 48);
    const least = leastSquares([noise, ...answers].map(half), half(goal));
    const sum = bounds[1]!.squares.reduce((a, b) => a + b);
    expect(Math.abs(sum / least - 1)).toBeLessThan(1e-4);
    const table0 = bounds[0]!.squares.reduce((a, b) => a + b);
    expect(table0).toBeGreaterThan(1.1 * sum);
  });
});
