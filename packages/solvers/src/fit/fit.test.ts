import { describe, expect, it } from 'vitest';
import type { JointRequest } from '../drive/lockstep.js';
import { solveSync } from '../drive/solve.js';
import { startOf, type TableFamily } from '../generators/generator.js';
import { tableGenerator } from '../generators/table.js';
import { denoiser, gaussian, twoClusters, worst } from '../methods/analytic.test.helpers.js';
import { heun } from '../methods/heun.js';
import { ipndm } from '../methods/ipndm.js';
import { torchCpu } from '../random/torch-cpu.js';
import { bandNorms, octaves } from '../table/bands.js';
import { type SamplerTable, tableSolver } from '../table/sampler-table.js';
import { type Block, type View, withContrast, within } from './block.js';
import { costOf } from './cost.js';
import { type FitState, fit } from './fit.js';
import { normalEquations } from './normal-equations.js';
import { squaresOf } from './squares.js';

const shape = [2, 2, 2] as const;
const size = 8;
const noiseOf = (seed: number, n: number) => torchCpu(seed).randn(n * size);
type At = (x: number, sigma: number) => number;
const asked = (at: At) => (request: JointRequest) => denoiser(at, request.owners.length)(request);
const all = within();

/** n samples as a teacher of many steps ends. */
function block(at: At, seed: number, n: number) {
  const noise = noiseOf(seed, n);
  const sigmas = Array.from({ length: 200 }, (_, i) => 80 * (0.01 / 80) ** (i / 199));
  const { x } = solveSync({ solver: heun, x: noise.map((z) => 80 * z), n, sigmas, denoise: denoiser(at, n) });
  return { noise, goal: x, n };
}

const euler = { solver: ipndm({ maxOrder: 1 }), sigmas: [80, 0.01], shape };
const plain = { bands: 1, by_band: 'last' } as const;

it('finds the exact map of a Gaussian with one evaluation', async () => {
  const { at, flow } = gaussian(0.3, 0.5);
  const exact = (seed: number, n: number) => {
    const noise = noiseOf(seed, n);
    return { noise, goal: noise.map((z) => flow(80 * z, 80, 0.01)), n };
  };
  const { table } = await fit({
    family: tableGenerator.make(plain, euler),
    rounds: Array.from({ length: 12 }, () => ({ blocks: [exact(1, 6), exact(2, 5)], keep: 0 })),
    validation: [exact(3, 4)],
    denoise: asked(at),
    view: all,
  });
  const { noise, goal, n } = exact(4, 7);
  const { x } = solveSync({
    solver: tableSolver(table),
    x: noise.map((z) => 80 * z),
    n,
    sigmas: [80, 0.01],
    denoise: denoiser(at, n),
  });
  expect(worst(x, goal)).toBeLessThan(1e-8);
});

it('weighs contrast beside what is foreseen', async () => {
  // half of what the goal is made of nothing tells
  const shape = [2, 3, 4] as const;
  const [z, hidden] = [1, 2].map((seed) => torchCpu(seed).randn(5 * 24)) as [Float64Array, Float64Array];
  const goal = z.map((value, i) => 0.5 * value + 0.5 * hidden[i]!);
  const family: TableFamily = {
    parameters: [{ name: 'last', start: 1, step: 1e-3 }],
    table: ([last]: number[]) => ({ sigmas: [1], rows: [[1], [last!, 0]] }),
  };
  const weight = 3;
  const view = withContrast(within([-10, 10]), shape, weight);
  const block = { noise: z, goal: await view(goal, 5), n: 5 };
  const rounds = Array.from({ length: 8 }, () => ({ blocks: [block], keep: 0 }));
  const { table } = await fit({ family, rounds, validation: [block], denoise: asked(twoClusters), view });
  const product = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const norms = (of: Float64Array) => bandNorms(of, { shape, edges: octaves(4) });
  const expected =
    (product(z, goal) + weight * product(norms(z), norms(goal))) / ((1 + weight) * product(z, z));
  expect(expected).toBeGreaterThan(1.1 * (product(z, goal) / product(z, z)));
  expect(table.rows[1]![0]).toBeCloseTo(expected, 8);
});

describe('of two clusters', () => {
  const start = { solver: ipndm({ maxOrder: 4 }), sigmas: [80, 8, 1, 0.2, 0.01], afs: true, shape };
  const family = tableGenerator.make(plain, start);
  const whole = block(twoClusters, 5, 12);
  const values = family.parameters.map((parameter) => parameter.start);
  const sampled = (table: SamplerTable, { noise, n }: Block) =>
    solveSync({
      solver: tableSolver(table),
      x: noise.map((z) => 80 * z),
      ...{ n, sigmas: [80, 0.01], denoise: denoiser(twoClusters, n) },
    }).x;
  const off = async (table: Parameters<typeof squaresOf>[0][number], of = whole, view = all) =>
    (await squaresOf([table], of, asked(twoClusters), view)).squares[0]!;

  it.each([
    ['', plain, 13, 16],
    [' where the last row is by band', { bands: 2, by_band: 'last' }, 17, 16],
    // of each entry of the first two rows two: 3 more in the first, 2·2 in the second, 3·1 in the third
    [' where all rows are', { bands: 2, by_band: 'all' }, 23, 16 + 1 * 3 + 2 * 2 + 3 * 1],
  ] as const)('derives by every parameter, for the calls that it says%s', async (_, options, count, more) => {
    const one = tableGenerator.make(options, start);
    const from = one.parameters.map((parameter) => parameter.start);
    expect(one.parameters).toHaveLength(count);
    const found = await normalEquations(one, from, whole, asked(twoClusters), all);
    expect(found.calls).toBe(12 * (3 + more));
    expect(costOf(one)).toEqual({ evaluations: 3, equations: 3 + more, trials: 5 * 3, trialBlocks: 3 });
    expect(found.squares).toBeCloseTo(await off(startOf(one)), 12);
    for (const p of from.keys()) {
      const at = (by: number) => off(one.table(from.map((value, i) => (i === p ? value + by : value))));
      const slope = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
      // forward differences are off by as much as the map is curved
      expect(Math.abs(2 * found.gradient[p]! - slope)).toBeLessThan(0.05 * Math.abs(slope) + 1e-3);
      expect(found.matrix[p * count + p]).toBeGreaterThan(0);
    }
  });

  it('asks once what two tables ask alike', async () => {
    const at = (p: number) => family.table(values.map((value, i) => (i === p ? value + 0.1 : value)));
    const calls = async (...tables: ReturnType<typeof at>[]) =>
      (await squaresOf([family.table(values), ...tables], whole, asked(twoClusters), all)).calls / 12;
    expect(await calls()).toBe(3);
    // entries and noise levels of rows 0, 1 and 2, and of the last
    expect([
      await calls(at(0)),
      await calls(at(1)),
      await calls(at(3)),
      await calls(at(8)),
      await calls(at(12)),
    ]).toEqual([6, 6, 5, 4, 3]);
    // an answer that nothing reads is no reason to ask again
    const apart = { sigmas: [9, 2], rows: [[9], [2, 0], [0, 0.5, 0.5]] };
    const { calls: parallel } = await squaresOf(
      [apart, { ...apart, sigmas: [8, 2] }],
      whole,
      asked(twoClusters),
      all,
    );
    expect(parallel).toBe(12 * 3);
  });

  it('comes much nearer to the teacher, on samples that nothing saw, and counts what it asked for', async () => {
    const states: FitState[] = [];
    let counted = 0;
    const denoise = (request: JointRequest) => {
      counted += request.owners.length;
      return asked(twoClusters)(request);
    };
    const view = within([-1, 1]);
    const within1 = ({ noise, goal, n }: typeof whole) => ({
      noise,
      goal: goal.map((v) => Math.min(1, Math.max(-1, v))),
      n,
    });
    const { table, state } = await fit({
      family,
      rounds: [
        ...[0, 0, 0, 0, 0].map((keep) => ({ blocks: [whole].map(within1), keep })),
        { blocks: [within1(block(twoClusters, 6, 24))], keep: 0.5 },
        { blocks: [within1(block(twoClusters, 9, 40))], keep: 0.7 },
      ],
      validation: [within1(block(twoClusters, 7, 40))],
      denoise,
      view,
      onRound: (one) => states.push(one),
    });
    expect(state.calls).toBe(counted);
    const unseen = within1(block(twoClusters, 8, 20));
    expect(await off(table, unseen, view)).toBeLessThan(0.05 * (await off(startOf(family), unseen, view)));
    const { log, best } = state;
    // of the same images it never gets worse
    for (const [i, { train }] of log.slice(0, 5).entries())
      if (i > 0) expect(train).toBeLessThanOrEqual(log[i - 1]!.train);
    expect(best!.validation).toBe(Math.min(...log.map(({ validation }) => validation), best!.validation));
    expect(states.map((one) => one.log.length)).toEqual(states.map((_, i) => i + 1));
    // from a file it goes on to the same bits
    expect(JSON.parse(JSON.stringify(states[2]))).toEqual(states[2]);
  });

  it('counts what is seen beside the samples’ own numbers, and tells these alone, too', async () => {
    // the square of each sample's first number, twice
    const beside: View = (samples, n) =>
      Float64Array.from({ length: n * (size + 1) }, (_, i) => {
        const [sample, at] = [Math.floor(i / (size + 1)), i % (size + 1)];
        return at < size ? samples[sample * size + at]! : 2 * samples[sample * size]! ** 2;
      });
    const seenOf = async (one: Block) => ({ ...one, goal: await beside(one.goal, one.n) });
    const both = await seenOf(whole);
    const found = await squaresOf([startOf(family)], both, asked(twoClusters), beside);
    expect(found.own).toEqual([await off(startOf(family))]);
    expect(found.numbers).toBe(12 * size);
    const squared = sampled(startOf(family), whole).reduce(
      (sum, x, i) => (i % size === 0 ? sum + (2 * x ** 2 - 2 * whole.goal[i]! ** 2) ** 2 : sum),
      0,
    );
    expect(squared).toBeGreaterThan(1e-3);
    expect(found.squares[0]! - found.own![0]!).toBeCloseTo(squared, 9);
    const { gradient } = await normalEquations(family, values, both, asked(twoClusters), beside);
    for (const p of values.keys()) {
      const at = (by: number) =>
        off(family.table(values.map((value, i) => (i === p ? value + by : value))), both, beside);
      const slope = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
      expect(Math.abs(2 * gradient[p]! - slope)).toBeLessThan(0.05 * Math.abs(slope) + 1e-3);
    }
    const validation = await seenOf(block(twoClusters, 6, 8));
    const { state } = await fit({
      ...{ family, validation: [validation], denoise: asked(twoClusters), view: beside },
      rounds: Array.from({ length: 3 }, () => ({ blocks: [both], keep: 0 })),
    });
    const best = family.table(state.best!.values);
    expect(state.best!.rmse).toBeCloseTo(
      Math.sqrt((await off(best, block(twoClusters, 6, 8))) / (8 * size)),
      12,
    );
    expect(state.best!.validation).toBeGreaterThan(state.best!.rmse!);
    expect(state.log.every(({ rmse, validation: all }) => rmse! < all)).toBe(true);
    expect(state.best!.validation).toBeLessThan(0.7 * state.log[0]!.validation);
  });

  it('is left where it is if it can’t be bettered', async () => {
    const noise = noiseOf(1, 3);
    const exact = { noise, goal: noise.map((z) => 2 * z), n: 3 };
    const given: TableFamily = {
      parameters: [{ name: 'last', start: 2, step: 1e-3 }],
      table: ([last]: number[]) => ({ sigmas: [1], rows: [[1], [last!, 0]] }),
    };
    const { table, state } = await fit({
      family: given,
      rounds: Array.from({ length: 30 }, () => ({ blocks: [exact], keep: 0 })),
      validation: [exact],
      denoise: asked(twoClusters),
      view: all,
    });
    expect(table).toEqual(startOf(given));
    expect(state.log.at(-1)).toMatchObject({ train: 0, damping: null });
    expect(state.log.length).toBeLessThan(5);
  });

  it('goes on as long as it takes steps, whatever validates, and keeps what was best there', async () => {
    const noise = noiseOf(1, 3);
    const times = (factor: number) => ({ noise, goal: noise.map((z) => factor * z), n: 3 });
    const given: TableFamily = {
      parameters: [{ name: 'last', start: 1, step: 1e-3 }],
      table: ([last]: number[]) => ({ sigmas: [1], rows: [[1], [last!, 0]] }),
    };
    const { table, state } = await fit({
      family: given,
      rounds: [2, 3, 4, 5, 6, 7].map((factor) => ({ blocks: [times(factor)], keep: 0 })),
      validation: [times(1)],
      denoise: asked(twoClusters),
      view: all,
    });
    expect(state.log.map(({ damping }) => damping !== null)).toEqual([true, true, true, true, true, true]);
    expect(state.values[0]).toBeCloseTo(7, 3);
    expect(table).toEqual(startOf(given));
  });

  it('refuses a start that samples nothing, and tries no step that leaves the numbers', async () => {
    const noise = noiseOf(1, 3);
    const of = (steep: number): TableFamily => ({
      parameters: [{ name: 'entry', start: 1, step: 1e-3 }],
      table: ([entry]: number[]) => ({ sigmas: [1], rows: [[steep * entry!], [0, steep]] }),
    });
    const fitted = (family: TableFamily) =>
      fit({
        family,
        rounds: [0, 0, 0.5].map((keep) => ({ blocks: [{ noise, goal: noise, n: 3 }], keep })),
        validation: [{ noise, goal: noise, n: 3 }],
        denoise: asked((x) => x ** 3),
        view: all,
      });
    await expect(fitted(of(1e200))).rejects.toMatchObject({ code: 'E_SOLVER' });
    const { state } = await fitted(of(1));
    // a difference that leaves the numbers
    const cliff: TableFamily = {
      parameters: [{ name: 'entry', start: 1, step: 1e-3 }],
      table: ([entry]: number[]) => ({ sigmas: [1], rows: [[entry! > 1 ? 1e300 : 1], [0, 1]] }),
    };
    const { state: kept } = await fitted(cliff);
    expect(kept.best!.values).toEqual([1]);
    expect(state.values.every(Number.isFinite)).toBe(true);
    expect(state.log.every(({ train }) => Number.isFinite(train))).toBe(true);
  });
});
