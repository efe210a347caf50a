import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toUint8 } from '@fewstep/models';
import { sigmas } from '@fewstep/schedules';
import { fixedSteps, initPredictor, placement, type Request, steeringsOfZeros } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { formatPredictor } from '../predictor/predictor-file.js';
import { trainingSettings } from '../predictor/predictor-settings.js';
import { readTensors, tensorOf } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run as inters } from './inters.js';
import { run as samples } from './samples.js';

/** D of data N(0.2, 0.5²), and a bottleneck that differs from image to image. */
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 8, 8],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 8, labelDim: 0, bottleneck: true },
    denoiser: {
      evaluate: async ({ x, sigma }: Request) => {
        const variance = (i: number) => (typeof sigma === 'number' ? sigma : sigma[Math.floor(i / 64)]!) ** 2;
        return {
          denoised: x.map((value, i) => (0.25 * value + variance(i) * 0.2) / (0.25 + variance(i))),
          bottleneck: x.map((value) => 3 * Math.tanh(value)),
          forwards: x.length / 64,
        };
      },
    },
  }),
}));
vi.mock('./load-decoder.js', () => ({ loadDecoder: async () => undefined }));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-zeros-'));
});
afterAll(() => rm(dir, { recursive: true }));

const range = { sigmaMin: 0.02, sigmaMax: 10 };
const schedule = { type: 'polynomial', rho: 7 } as const;

const given = (params: object, predictor?: string) => ({
  params: { ...range, afs: false, denoiseToZero: false, seeds: [0, 3], ...params } as never,
  inputs: { ...noModel, predictor } as never,
  ...{ dir, hints: {}, digests: {}, device: { type: 'cpu' }, progress: () => {} },
});

async function sampled(...args: Parameters<typeof given>) {
  const { files } = await samples(given(...args));
  return tensorOf(await readTensors(join(dir, files.images!)), 'images', 'U8').data;
}

/** Where the states that they go through end, as images. */
async function ended(...args: Parameters<typeof given>) {
  const { files } = await inters(given(...args));
  const { data, shape } = tensorOf(await readTensors(join(dir, files.inters!)), 'inters', 'F32');
  return toUint8(Float64Array.from(data.subarray(-data.length / shape[0]!)));
}

it('a predictor that reads zeros samples as the plain method does on the list that it is shown as', async () => {
  const reach = { scale_dir: 0, scale_time: 0 };
  const student = { method: { solver: 'dpmpp', max_order: 2, predict_x0: false, lower_order_final: true } };
  const steered = { method: { ...student.method, ...reach }, schedule, numSteps: 4 };
  const predictor = initPredictor({ seed: 1, outputs: placement(reach) });
  const file = join(dir, 'predictor.safetensors');
  const training = { ...steered, ...range, afs: false, teacher: student.method, M: 1, batch: 2, lr: 0.005 };
  await writeFile(
    file,
    formatPredictor(predictor, trainingSettings({ ...training, seed: 0, seeds: [0, 1] })),
  );

  const levels = sigmas(schedule, { numSteps: 4, ...range });
  const list = fixedSteps(levels, steeringsOfZeros(predictor, levels)).sigmas;
  const plain = await sampled({ ...student, schedule: { type: 'explicit', sigmas: [...list] }, numSteps: 7 });
  expect(await sampled({ ...steered, bottleneck: 'zero' }, file)).toEqual(plain);
  expect(await sampled(steered, file)).not.toEqual(plain);
  expect(await ended({ ...steered, bottleneck: 'zero' }, file)).toEqual(plain);
});
