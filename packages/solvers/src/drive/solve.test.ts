import { describe, expect, it } from 'vitest';
import {
  denoiser,
  lively,
  plainMethods,
  requestsOf,
  steeredMethods,
  twoClusters,
} from '../methods/analytic.test.helpers.js';
import { euler } from '../methods/euler.js';
import { heun } from '../methods/heun.js';
import type { Evaluation, SolverState } from '../solver.js';
import { amed } from '../students/amed.js';
import { lockstep } from './lockstep.js';
import { type Observation, type Solve, solve, solveSync } from './solve.js';

const n = 2;
const x = Float64Array.of(30, -80, 12, 5, -1, 9);
const sigmas = [40, 8, 1, 0.2];
const denoise = denoiser(twoClusters, n);
const methods = [...plainMethods, ...steeredMethods(lively)];

describe.each(methods)('$label', ({ solver }) => {
  it('gives the same to the bit with an asynchronous denoiser', async () => {
    const what = { solver, x, n, sigmas, afs: true, denoiseToZero: true };
    const later = await solve({ ...what, denoise: async (request) => denoise(request) });
    expect(later).toEqual(solveSync({ ...what, denoise }));
  });
});

describe('lockstep', () => {
  const solves: Solve<SolverState>[] = methods.map(({ solver }, i) => ({
    solver,
    n: 1 + (i % 3),
    x: Float64Array.from({ length: 3 * (1 + (i % 3)) }, (_, k) => Math.sin(i + k) * 40),
    sigmas: sigmas.slice(0, 2 + (i % 3)),
    afs: i % 2 === 0,
    denoiseToZero: i % 4 === 0,
  }));

  it('gives each solve what it gets alone, to the bit, in as many rounds as the longest needs', async () => {
    let rounds = 0;
    const together = await lockstep(solves, (request) => {
      rounds++;
      expect(request.owners).toHaveLength(request.sigma.length);
      return denoiser(twoClusters)(request);
    });
    const alone = solves.map((what) => solveSync({ ...what, denoise: denoiser(twoClusters, what.n) }));
    expect(together).toEqual(alone);
    expect(rounds).toBe(Math.max(...alone.map(({ nfe }) => nfe)));
  });

  it('gives each sample its own solver, noise levels and start', async () => {
    const samples: Solve<SolverState>[] = methods.map(({ solver }, i) => {
      const own = sigmas.map((sigma) => sigma * 1.01 ** i);
      return { solver, n: 1, x: Float64Array.of(own[0]!, -own[0]! / (i + 2), i), sigmas: own };
    });
    let evaluated = 0;
    let apart = 0;
    const together = await lockstep(samples, (request) => {
      evaluated += request.sigma.length;
      if (new Set(request.sigma).size === request.sigma.length) apart++;
      return denoiser(twoClusters)(request);
    });
    const alone = samples.map((what) => solveSync({ ...what, denoise: denoiser(twoClusters) }));
    expect(together).toEqual(alone);
    expect(evaluated).toBe(alone.reduce((sum, { nfe }) => sum + nfe, 0));
    expect(apart).toBe(Math.max(...alone.map(({ nfe }) => nfe)));
  });

  it('tells the denoiser whose samples it evaluates', async () => {
    const two = [1, 2].map((k) => ({
      solver: euler,
      n: k,
      x: new Float64Array(2 * k).fill(k),
      sigmas: [2, 1],
    }));
    await lockstep(two, (request) => {
      expect(request.owners).toEqual([0, 1, 1]);
      expect([...request.x]).toEqual([1, 1, 2, 2, 2, 2]);
      return denoiser(twoClusters)(request);
    });
  });

  it('refuses samples of different sizes', async () => {
    const two = [2, 3].map((size) => ({ solver: euler, n: 1, x: new Float64Array(size), sigmas: [2, 1] }));
    await expect(lockstep(two, denoiser(twoClusters))).rejects.toMatchObject({ code: 'E_SOLVE' });
  });
});

describe('analytical first step', () => {
  it('answers the first request alone, with the direction x/√(1+σ²) and a bottleneck of zeros', () => {
    const seen: Observation[] = [];
    const predict = lively;
    solveSync({
      solver: amed.steered(predict),
      x,
      n,
      sigmas,
      afs: true,
      denoise,
      onEvaluation: (o) => seen.push(o),
    });
    expect(seen.map(({ analytical }) => analytical)).toEqual([true, false, false, false, false, false]);
    const { denoised, bottleneck } = seen[0]!.evaluation;
    expect(bottleneck).toEqual(new Float64Array(64 * n));
    x.forEach((value, i) => {
      expect((value - denoised[i]!) / 40).toBeCloseTo(value / Math.sqrt(1 + 1600), 12);
    });
  });

  it('leaves the first evaluation out of what the denoiser is asked', () => {
    const without = requestsOf({ solver: heun, x, n, sigmas }, denoise);
    const levels = requestsOf({ solver: heun, x, n, sigmas, afs: true }, denoise).map(({ sigma }) => sigma);
    expect(levels).toEqual(without.slice(1).map(({ sigma }) => sigma));
  });
});

describe('solve', () => {
  it('shows every evaluation with its place', () => {
    const places: [number, number][] = [];
    const onEvaluation = ({ step, stage }: Observation) => places.push([step, stage]);
    solveSync({ solver: heun, x, n, sigmas, denoiseToZero: true, denoise, onEvaluation });
    expect(places.map(String)).toEqual(['0,0', '0,1', '1,0', '1,1', '2,0', '2,1', '3,0']);
  });

  it('keeps its end alone, and the points that it is told to', () => {
    const kept = (keep?: Solve['keep']) =>
      solveSync({ solver: heun, x, n, sigmas, denoiseToZero: true, denoise, ...(keep && { keep }) });
    const all = kept('all').trajectory;
    expect(all).toHaveLength(5);
    expect(kept().trajectory).toEqual([all[4]]);
    expect(kept('last').trajectory).toEqual([all[4]]);
    expect(kept((point) => point % 2 === 1).trajectory).toEqual([all[1], all[3], all[4]]);
    expect(kept(() => false).x).toEqual(all[4]);
  });

  it('ends with the denoised batch under denoiseToZero', () => {
    const { trajectory } = solveSync({
      solver: euler,
      x,
      n,
      sigmas,
      denoiseToZero: true,
      keep: 'all',
      denoise,
    });
    expect(trajectory.at(-1)).toEqual(denoise({ x: trajectory.at(-2)!, sigma: 0.2 }).denoised);
  });

  const broken = (change: (evaluation: Evaluation) => Evaluation) => () => {
    let call = 0;
    return solveSync({
      solver: heun,
      x,
      n,
      sigmas,
      denoise: (request) => (++call === 4 ? change(denoise(request)) : denoise(request)),
    });
  };

  it.each([Number.NaN, Infinity, -Infinity])(
    'names step, σ and sample where the denoiser says %d',
    (value) => {
      const attempt = broken(({ denoised }) => ({ denoised: denoised.with(4, value) }));
      expect(attempt).toThrow(
        expect.objectContaining({
          code: 'E_NONFINITE',
          message: expect.stringMatching(/denoised of sample 1, step 1 at σ = 1\./),
          evidence: expect.objectContaining({ step: 1, sigma: 1, sample: 1 }),
        }),
      );
    },
  );

  it('refuses a bottleneck that is not finite, too', () => {
    const attempt = broken(({ denoised }) => ({
      denoised,
      bottleneck: new Float64Array(128).fill(Number.NaN),
    }));
    expect(attempt).toThrow(expect.objectContaining({ code: 'E_NONFINITE' }));
  });

  it('refuses an answer of another length', () => {
    const attempt = broken(({ denoised }) => ({ denoised: denoised.slice(1) }));
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'E_DENOISED', message: expect.stringMatching(/5 for 6/) }),
    );
  });

  it('refuses a student whose denoiser has no bottleneck', () => {
    const bare = (request: Parameters<typeof denoise>[0]) => ({ denoised: denoise(request).denoised });
    const attempt = () => solveSync({ solver: amed.steered(lively), x, n, sigmas, denoise: bare });
    expect(attempt).toThrow(expect.objectContaining({ code: 'E_DENOISED' }));
  });

  it.each([
    ['samples that do not divide the batch', { n: 4 }],
    ['no samples', { n: 0 }],
    ['an empty batch', { x: new Float64Array(0) }],
    ['one noise level', { sigmas: [1] }],
    ['ascending noise levels', { sigmas: [1, 2] }],
    ['a last level of 0', { sigmas: [1, 0] }],
    ['NaN among the levels', { sigmas: [2, Number.NaN, 1] }],
  ])('refuses %s', async (_, change) => {
    await expect(solve({ solver: euler, x, n, sigmas, denoise, ...change })).rejects.toMatchObject({
      code: 'E_SOLVE',
    });
  });
});
