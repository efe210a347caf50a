import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readPredictor } from '../predictor/predictor-file.js';
import { readTensors, tensorOf } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run as predictor } from './predictor.js';
import { run as samples } from './samples.js';
import { run as teacher } from './teacher.js';

/** A network of data at 2, far beyond −1…1: pixels, or latents where there is what decodes them. */
const model = vi.hoisted(() => ({ decoder: undefined as object | undefined }));
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 2, labelDim: 0, bottleneck: true, ...model },
    denoiser: {
      evaluate: async ({ x }: Request) => ({
        denoised: x.map(() => 2),
        bottleneck: new Float64Array(16 * x.length),
        forwards: x.length / 4,
      }),
    },
  }),
}));
vi.mock('./load-decoder.js', () => ({
  loadDecoder: async (_: unknown, { decoder }: typeof model) =>
    decoder && { shape: [1, 2, 2], decode: async (latents: Float64Array) => latents.map((z) => z / 4) },
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-bounds-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function run(task: unknown, params: object, inputs: object = {}) {
  const folder = await mkdtemp(join(dir, 'task-'));
  const { files, meta } = await (task as typeof samples)({
    params: { ...solve, ...params } as never,
    inputs: { ...noModel, ...inputs } as never,
    ...{ dir: folder, hints: {}, digests: {}, device: { type: 'cpu' }, progress: () => {} },
  });
  const at = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(folder, file)]));
  return { files: at as Record<string, string>, meta };
}
const solve = {
  ...{ schedule: { type: 'polynomial', rho: 7 }, numSteps: 3, sigmaMin: 0.001, sigmaMax: 10 },
  ...{ seeds: [0, 1], afs: false, denoiseToZero: false },
};
/** Of dpmpp or unipc with what a spec has filled in. */
const method = (solver: string, told: object = {}) => ({
  method: { solver, max_order: 2, predict_x0: true, lower_order_final: true, ...told },
});
/** The byte of its pictures, and what the task says of it. */
async function sampled(told: object) {
  const { files, meta } = await run(samples, told);
  return [tensorOf(await readTensors(files.images!), 'images', 'U8').data[0], meta.thresholding];
}
const latents = {};

it.each(['dpmpp', 'unipc'])('%s keeps pixels in bounds, and latents where a spec says so', async (solver) => {
  model.decoder = undefined;
  expect(await sampled(method(solver))).toEqual([255, 'dynamic']);
  expect(await sampled(method(solver, { thresholding: 'none' }))).toEqual([255, 'none']);
  model.decoder = latents;
  // 2 / 4 is 0.5, byte 191; and 1 / 4 byte 159
  expect(await sampled(method(solver))).toEqual([191, 'none']);
  expect(await sampled(method(solver, { thresholding: 'dynamic' }))).toEqual([159, 'dynamic']);
  expect(await sampled(method(solver, { predict_x0: false }))).toEqual([191, undefined]);
});

it('a teacher keeps within the bounds of its data, too', async () => {
  const ends = async (told: object = {}) => {
    const { files } = await run(teacher, { ...method('dpmpp', told), M: 1 });
    return Math.round(10 * Number(tensorOf(await readTensors(files.trajectories!), 'x', 'F32').data.at(-1)));
  };
  model.decoder = undefined;
  expect(await ends()).toBe(10);
  model.decoder = latents;
  expect(await ends()).toBe(20);
  expect(await ends({ thresholding: 'dynamic' })).toBe(10);
});

it('a predictor says in which bounds it was trained, and samples in no others unasked', async () => {
  const student = method('dpmpp', { scale_dir: 0.01, scale_time: 0 });
  const training = { ...student, teacher: method('dpmpp').method, M: 1, batch: 2, lr: 0.005, seed: 0 };
  const trained = async () => {
    const { files } = await run(teacher, { ...method('dpmpp'), M: 1 });
    return (await run(predictor, training, { trajectories: [files.trajectories], validation: [] })).files;
  };
  const told = (thresholding: string) => ({ ...student, method: { ...student.method, thresholding } });
  model.decoder = latents;
  const free = await trained();
  model.decoder = undefined;
  const bounded = await trained();
  for (const [file, found] of [
    [free, 'none'],
    [bounded, 'dynamic'],
  ] as const) {
    const { settings } = await readPredictor(await readFile(file.predictor!));
    expect(settings).toMatchObject({ student: { thresholding: found }, teacher: { thresholding: found } });
  }
  const by = ({ predictor }: Record<string, string>, params: object = student) =>
    run(samples, params, { predictor });

  expect((await by(bounded)).meta.thresholding).toBe('dynamic');
  await expect(by(free)).rejects.toMatchObject({ code: 'E_PREDICTOR' });
  expect((await by(free, told('none'))).meta.thresholding).toBe('none');
  model.decoder = latents;
  expect((await by(free)).meta.thresholding).toBe('none');
  await expect(by(bounded)).rejects.toMatchObject({
    code: 'E_PREDICTOR',
    message: expect.stringMatching(
      /trained with thresholding dynamic, .* add student\.thresholding: dynamic/,
    ),
  });
  expect((await by(bounded, told('dynamic'))).meta.thresholding).toBe('dynamic');
});
