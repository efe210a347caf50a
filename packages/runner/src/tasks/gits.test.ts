import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sigmas } from '@fewstep/schedules';
import { latents, type Request, type StepMetric } from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readTensors, tensorOf } from './artifacts.js';
import { run as search } from './gits.js';
import { noModel } from './inputs.test.support.js';
import { readSchedule } from './schedule-file.js';
import { run as computeCosts } from './step-costs.js';

/** Data N(0.2, 0.5²), or in every other number N(0.2, 0.05²), so that paths are curved. */
const at = (x: number, sigma: number, k: number) => {
  const v = (k % 2 === 0 ? 0.5 : 0.05) ** 2;
  return (v * x + sigma * sigma * 0.2) / (v + sigma * sigma);
};
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { labelDim: 0 },
    denoiser: {
      evaluate: async ({ x, sigma }: Request) => ({
        denoised: x.map((value, k) => at(value, sigma as number, k)),
        bottleneck: new Float64Array(),
      }),
    },
  }),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-gits-'));
});
afterAll(() => rm(dir, { recursive: true }));

const N = 9;
const grid = { sigmaMin: 0.1, sigmaMax: 10, numSteps: N };
const schedule = { type: 'polynomial', rho: 7 } as const;
const costsOf = async (seeds: readonly [number, number], batch: number) => {
  const folder = await mkdtemp(join(dir, 'costs-'));
  const { files, meta } = await computeCosts({
    params: { ...grid, schedule, method: { solver: 'ipndm', max_order: 4 }, seeds },
    hints: { batch },
    digests: {},
    inputs: noModel,
    device: { type: 'cpu' },
    dir: folder,
    progress: () => {},
  });
  expect(meta).toEqual({ nfe: N - 1, images: seeds[1] - seeds[0] + 1 });
  return join(folder, files.costs);
};
const found = async (costs: readonly string[], metric: StepMetric, afs = false) => {
  const folder = await mkdtemp(join(dir, 'search-'));
  const { files } = await search({
    params: { metric, coeff: 1.15, numSteps: 4, afs },
    hints: {},
    digests: {},
    device: { type: 'cpu' },
    inputs: { costs },
    dir: folder,
    progress: () => {},
  });
  return join(folder, files.schedule!);
};

describe('step-costs', () => {
  it('keeps what the first step costs, by the network and by the analytical first step', async () => {
    const tensors = await readTensors(await costsOf([3, 5], 64));
    const levels = sigmas(schedule, grid);
    expect(tensorOf(tensors, 'sigmas', 'F64').data).toEqual(levels);
    // To the next level ipndm takes an Euler step itself.
    for (const metric of ['dev', 'l1', 'l2'] as const)
      for (const image of [0, 1, 2])
        expect(tensorOf(tensors, metric, 'F32').data[image * N * N + 1]).toBeCloseTo(0, 6);
    const start = latents([3, 4, 5], [1, 2, 2]).map((value) => value * levels[0]!);
    const l1 = tensorOf(tensors, 'l1_afs', 'F32').data;
    for (const image of [0, 1, 2]) {
      let expected = 0;
      for (let k = image * 4; k < image * 4 + 4; k++) {
        const [slope, analytical] = [(start[k]! - at(start[k]!, 10, k)) / 10, start[k]! / Math.sqrt(1 + 100)];
        expected += Math.abs((levels[1]! - levels[0]!) * (analytical - slope));
      }
      expect(l1[image * N + 1]).toBeCloseTo(expected, 5);
    }
  });
});

describe('gits', () => {
  it('finds the same to the bit however the warm-up images are cut', async () => {
    const whole = [await costsOf([0, 9], 64)];
    const cut = [await costsOf([0, 3], 1), await costsOf([4, 9], 4)];
    for (const metric of ['dev', 'l1', 'l2'] as const)
      for (const afs of [false, true])
        expect(await readFile(await found(cut, metric, afs))).toEqual(
          await readFile(await found(whole, metric, afs)),
        );
  });

  it('starts at sigma_max, ends at sigma_min, and knows what the analytical first step costs', async () => {
    const costs = [await costsOf([0, 9], 64)];
    const { sigmas: levels } = await readSchedule(await found(costs, 'l2'));
    expect([levels.length, levels[0], levels.at(-1)]).toEqual([4, 10, 0.1]);
    const { sigmas: afterFormula } = await readSchedule(await found(costs, 'l2', true));
    // The formula takes the data for N(0, 1): its step is the shorter.
    expect(afterFormula[1]).toBeGreaterThan(levels[1]!);
  });
});
