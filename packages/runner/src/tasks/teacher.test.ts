import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sigmas } from '@fewstep/schedules';
import { latents, type Request } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { SolverConfig } from '../experiment/experiment.js';
import { readTensors, tensorOf } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run } from './teacher.js';

const size = 4;
let asked = 0;

/** D of data N(0.2, 0.5²), and a bottleneck that tells where it was asked. */
const at = (x: number, sigma: number) => (0.25 * x + sigma * sigma * 0.2) / (0.25 + sigma * sigma);
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { labelDim: 0 },
    denoiser: {
      evaluate: async ({ x, sigma }: Request) => {
        asked++;
        return {
          denoised: x.map((value) => at(value, sigma as number)),
          bottleneck: Float64Array.from(
            { length: (64 * x.length) / size },
            (_, i) => x[Math.floor(i / 64) * size]!,
          ),
        };
      },
    },
  }),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-teacher-'));
});
afterAll(() => rm(dir, { recursive: true }));

const options = { max_order: 3, predict_x0: false, lower_order_final: true };
it.each<[SolverConfig, number]>([
  [{ solver: 'heun' }, 12],
  [{ solver: 'deis', max_order: 3, deis_mode: 'tab' }, 6],
  [{ solver: 'dpmpp', ...options }, 6],
  // Asked once more where the second and third interval begin, for unipc asks before it corrects.
  [{ solver: 'unipc', variant: 'bh2', ...options }, 8],
])('keeps what the network says where each interval begins: %j', async (method, nfe) => {
  asked = 0;
  const range = { sigmaMin: 0.1, sigmaMax: 10 };
  const schedule = { type: 'polynomial', rho: 7 } as const;
  const result = await run({
    params: { method, schedule, numSteps: 4, ...range, M: 1, seeds: [3, 5] },
    hints: {},
    digests: {},
    device: { type: 'cpu' },
    inputs: noModel,
    dir,
    progress: () => {},
  });
  expect(result.meta).toEqual({ nfe, images: 3 });
  expect(asked).toBe(nfe);

  const tensors = await readTensors(join(dir, result.files.trajectories!));
  const [x, denoised, bottleneck] = ['x', 'denoised', 'bottleneck'].map(
    (name) => tensorOf(tensors, name, 'F32').data,
  ) as [Float32Array, Float32Array, Float32Array];
  const times = sigmas(schedule, { ...range, numSteps: 4 });
  const start = latents([3, 4, 5], [1, 2, 2]).map((value) => value * 10);
  const begins = [...start, ...x.subarray(0, 2 * 3 * size)];
  for (const [i, value] of begins.entries()) {
    const interval = Math.floor(i / (3 * size));
    expect(denoised[i]).toBeCloseTo(at(value, times[interval]!), 5);
    if (i % size === 0) expect(bottleneck[(i / size) * 64]).toBeCloseTo(value, 5);
  }
});
