import { describe, expect, it } from 'vitest';
import type { JointRequest } from '../drive/lockstep.js';
import { solveSync } from '../drive/solve.js';
import { denoiser, gaussian, twoClusters, worst } from '../methods/analytic.test.helpers.js';
import { heun } from '../methods/heun.js';
import { ipndm } from '../methods/ipndm.js';
import { torchCpu } from '../random/torch-cpu.js';
import { compile } from './compile.js';
import { type FitIteration, fitTable } from './fit-table.js';
import { normalEquations, squaresOf } from './normal-equations.js';
import { tableSolver } from './sampler-table.js';
import { moved, tableParameters } from './table-parameters.js';

const size = 8;
const noiseOf = (seed: number, n: number) => torchCpu(seed).randn(n * size);
type At = (x: number, sigma: number) => number;
const asked = (at: At) => (request: JointRequest) => denoiser(at, request.owners.length)(request);

/** n samples as a teacher of many steps ends. */
function block(at: At, seed: number, n: number) {
  const noise = noiseOf(seed, n);
  const sigmas = Array.from({ length: 200 }, (_, i) => 80 * (0.01 / 80) ** (i / 199));
  const { x } = solveSync({ solver: heun, x: noise.map((z) => 80 * z), n, sigmas, denoise: denoiser(at, n) });
  return { noise, target: x, n };
}

it('finds the exact map of a Gaussian with one evaluation', async () => {
  const { at, flow } = gaussian(0.3, 0.5);
  const exact = (seed: number, n: number) => {
    const noise = noiseOf(seed, n);
    return { noise, target: noise.map((z) => flow(80 * z, 80, 0.01)), n };
  };
  const { table } = await fitTable({
    start: compile({ solver: ipndm({ maxOrder: 1 }), sigmas: [80, 0.01] }),
    train: [exact(1, 6), exact(2, 5)],
    validation: [exact(3, 4)],
    denoise: asked(at),
    iterations: 20,
  });
  const { noise, target, n } = exact(4, 7);
  const { x } = solveSync({
    solver: tableSolver(table),
    x: noise.map((z) => 80 * z),
    n,
    sigmas: [80, 0.01],
    denoise: denoiser(at, n),
  });
  expect(worst(x, target)).toBeLessThan(1e-9);
});

describe('of two clusters', () => {
  const sigmas = [80, 8, 1, 0.2, 0.01];
  const start = compile({ solver: ipndm({ maxOrder: 4 }), sigmas, afs: true });
  const whole = block(twoClusters, 5, 12);

  it('derives by every parameter, for the calls that it says', async () => {
    const { matrix, gradient, squares, calls } = await normalEquations(start, whole, asked(twoClusters));
    expect(calls).toBe(12 * (3 + 16));
    expect(squares).toBeCloseTo(await squaresOf(start, whole, asked(twoClusters)), 12);
    const parameters = tableParameters(3);
    expect(parameters).toHaveLength(13);
    for (const p of parameters.keys()) {
      const at = (by: number) =>
        squaresOf(
          moved(
            start,
            parameters,
            parameters.map((_, i) => (i === p ? by : 0)),
          ),
          whole,
          asked(twoClusters),
        );
      const slope = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
      // forward differences are off by as much as the map is curved
      expect(Math.abs(2 * gradient[p]! - slope)).toBeLessThan(0.05 * Math.abs(slope) + 1e-3);
      expect(matrix[p * 13 + p]).toBeGreaterThan(0);
    }
  });

  it('comes much nearer to the teacher, on samples that nothing saw, and counts what it asked for', async () => {
    const iterations: FitIteration[] = [];
    let counted = 0;
    const denoise = (request: JointRequest) => {
      counted += request.owners.length;
      return asked(twoClusters)(request);
    };
    const { table, calls } = await fitTable({
      start,
      train: [whole, block(twoClusters, 6, 12)],
      validation: [block(twoClusters, 7, 8)],
      denoise,
      iterations: 8,
      range: [-1, 1],
      onIteration: (iteration) => iterations.push(iteration),
    });
    expect(calls).toBe(counted);
    expect(iterations.at(-1)!.calls).toBe(calls);
    const unseen = block(twoClusters, 8, 20);
    const [before, after] = [start, table].map((one) => squaresOf(one, unseen, asked(twoClusters)));
    expect(await after!).toBeLessThan(0.05 * (await before!));
    for (const [i, { train }] of iterations.entries())
      if (i > 0) expect(train).toBeLessThan(iterations[i - 1]!.train);
  });

  it('is left where it is if it can’t be bettered, and refuses a start that samples nothing', async () => {
    const noise = noiseOf(1, 3);
    const exact = { noise, target: noise.map((z) => 2 * z), n: 3 };
    const given = { sigmas: [1], rows: [[1], [2, 0]] };
    const found = await fitTable({
      start: given,
      train: [exact],
      validation: [exact],
      denoise: asked(twoClusters),
      iterations: 3,
    });
    expect(found.table).toEqual(given);
    const infinite = { sigmas: [1], rows: [[1e308], [0, 1e308]] };
    await expect(
      fitTable({
        start: infinite,
        train: [exact],
        validation: [exact],
        denoise: asked(() => 1e10),
        iterations: 1,
      }),
    ).rejects.toMatchObject({ code: 'E_SOLVER' });
  });
});
