import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toUint8, writeSafetensors } from '@fewstep/models';
import {
  compile,
  type Iteration,
  ipndm,
  latents,
  predict,
  type Request,
  solve,
  tableLevels,
  tableSolver,
  tableStudent,
} from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parsePredictor } from '../predictor/parse-predictor.js';
import { formatSampler, type SamplerFile } from '../sampler/sampler-file.js';
import { readTensors, tensorOf, writeTensors } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run as samples } from './samples.js';
import { run, type TablePredictorParams } from './table-predictor.js';

/** D of data in two clusters, with a bottleneck that tells the images apart. */
const { evaluate } = vi.hoisted(() => ({
  evaluate: async ({ x, sigma }: Request) => {
    const told = (i: number) => (typeof sigma === 'number' ? sigma : sigma[Math.floor(i / 4)]!) ** 2;
    return {
      denoised: x.map((value, i) => {
        const variance = 0.01 + told(i);
        return (0.01 * value + told(i) * 0.3 * Math.tanh((0.3 * value) / variance)) / variance;
      }),
      bottleneck: Float64Array.from({ length: 16 * x.length }, (_, i) => Math.tanh(x[Math.floor(i / 16)]!)),
      forwards: x.length / 4,
    };
  },
}));
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 2, labelDim: 0, sigmaMin: 0.1, sigmaMax: 20, bottleneck: true },
    denoiser: { evaluate },
  }),
}));
vi.mock('./load-decoder.js', () => ({ loadDecoder: async () => undefined }));

const sigmas = [20, 4, 1, 0.1];
const sampler: SamplerFile = {
  table: compile({ solver: ipndm(), sigmas }),
  model: { shape: [1, 2, 2], sigma_min: 0.1, sigma_max: 20, latents: false },
  schedule: { type: 'explicit', sigmas },
  student: { solver: 'ipndm', max_order: 4, num_steps: 4 },
};
const { table } = sampler;
const student = tableStudent(table);
const levels = tableLevels(table, 20, 0.1);
const seeds = [10, 21] as const;
const noise = latents(
  Array.from({ length: 12 }, (_, i) => 10 + i),
  [1, 2, 2],
);
const start = noise.map((value) => 20 * value);

let dir: string;
let goal: Float32Array;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-on-table-'));
  await writeFile(join(dir, 'sampler.json'), formatSampler(sampler));
  // a table whose noise levels are told otherwise for each image made them
  const { x } = await solve({
    solver: student.steered((bottleneck) => ({
      scale_time: Float64Array.from({ length: 12 }, (_, i) => 1 + 0.3 * bottleneck[64 * i]!),
    })),
    ...{ x: start, n: 12, sigmas: levels, denoise: evaluate },
  });
  goal = Float32Array.from(x);
  await writeTensors(dir, 'targets.safetensors', { x: { dtype: 'F32', shape: [12, 1, 2, 2], data: goal } });
});
afterAll(() => rm(dir, { recursive: true }));

const params: TablePredictorParams = {
  scaleTime: 0.4,
  teacher: {
    ...{ method: { solver: 'heun' }, numSteps: 18, afs: false, denoiseToZero: true },
    schedule: { type: 'polynomial', rho: 7 },
  },
  ...{ batch: 6, lr: 0.02, seed: 3, seeds },
};
const task = { dir: '', hints: {}, digests: {}, device: { type: 'cpu' }, progress: () => {} } as const;
async function trained(changes: Partial<TablePredictorParams> = {}) {
  const all = { ...params, ...changes };
  const targets = [join(dir, 'targets.safetensors')];
  const inputs = { ...noModel, sampler: join(dir, 'sampler.json'), targets };
  const folder = await mkdtemp(join(dir, 'task-'));
  const { meta } = await run({
    ...{ ...task, dir: folder, params: all },
    inputs: { ...inputs, validation: all.validation ? targets : [] } as never,
  });
  const stats = await readFile(join(folder, 'stats.jsonl'), 'utf8');
  const log = stats
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Iteration);
  const path = join(folder, 'predictor.safetensors');
  return { meta, log, path, file: await parsePredictor(await readFile(path)) };
}
/** Images of the seeds by a predictor's file alone. */
async function sampled(predictor: string) {
  const { files, meta } = await samples({
    ...{ ...task, dir, params: { seeds } as never },
    inputs: { ...noModel, decoder: undefined, sampler: undefined, predictor } as never,
  });
  return { data: tensorOf(await readTensors(join(dir, files.images!)), 'images', 'U8').data, meta };
}
const far = (x: ArrayLike<number>) =>
  goal.reduce(
    (sum, value, i) => sum + (Math.max(-1, Math.min(1, x[i]!)) - Math.max(-1, Math.min(1, value))) ** 2,
    0,
  ) / 12;

it('comes nearer to where the teacher ends, and its file has all that samples with it', async () => {
  const { meta, log, path, file } = await trained({ validation: seeds });
  const { x: plain } = await solve({
    solver: tableSolver(table),
    ...{ x: start, n: 12, sigmas: [20, 0.1], denoise: evaluate },
  });
  const { x: steered } = await solve({
    solver: student.steered(predict(file.predictor)),
    ...{ x: start, n: 12, sigmas: levels, denoise: evaluate },
  });
  const losses = log.map(({ validation_loss }) => validation_loss!);
  const [untrained, best] = meta.validation as [number, number];
  expect(untrained).toBeCloseTo(far(plain), 6);
  expect(best).toBeCloseTo(far(steered), 6);
  expect(best).toBe(Math.min(untrained, ...losses));
  expect(best).toBeLessThan(0.7 * untrained);
  expect(log[0]!.loss).toBeGreaterThan(0);
  expect(log[0]!.intervals.map(({ loss }) => loss)).toEqual([undefined, log[0]!.loss]);
  // three evaluations and three for the slopes, and three times what validates
  expect(log.map(({ calls }) => calls)).toEqual([36, 72]);
  expect(meta).toMatchObject({ images: 12, calls: 72 + 3 * 36 });
  expect(file.onTable).toEqual({
    sampler,
    settings: expect.objectContaining({
      student: { steering: 'predictor', scale_time: 0.4 },
      train: expect.objectContaining({ total_kimg: 0.012, iteration: 1 + losses.indexOf(best) }),
    }),
  });
  const images = await sampled(path);
  expect(images.data).toEqual(toUint8(steered));
  expect(images.meta).toMatchObject({ nfe: 3, images: 12 });
});

it('keeps the untrained one, which is the table to the last bit, where no iteration is better', async () => {
  const worse = { lr: 3, batch: 12, validation: seeds };
  const { meta, log, file, path } = await trained(worse);
  const [untrained, best] = meta.validation as [number, number];
  expect(Math.min(...log.map(({ validation_loss }) => validation_loss!))).toBeGreaterThan(untrained);
  expect(best).toBe(untrained);
  expect(file.onTable!.settings.train).toMatchObject({ iteration: 0 });
  const { x } = await solve({
    solver: tableSolver(table),
    ...{ x: start, n: 12, sigmas: [20, 0.1], denoise: evaluate },
  });
  expect((await sampled(path)).data).toEqual(toUint8(x));
  // without images that validate the last is kept
  const { file: last } = await trained({ lr: 3, batch: 12 });
  expect(last.predictor.weights).not.toEqual(file.predictor.weights);
  expect(last.onTable!.settings.train).toMatchObject({ iteration: 1 });
});

it('is refused from a file that is no such predictor', async () => {
  const { path, file } = await trained({ batch: 12 });
  const whole = await readFile(path);
  const length = Number(whole.readBigUInt64LE(0));
  const header = JSON.parse(whole.toString('utf8', 8, 8 + length)) as {
    __metadata__: Record<string, string>;
  };
  const tensors = Object.fromEntries(
    Object.entries(file.predictor.weights).map(([name, weight]) => [name, { dtype: 'F32', ...weight }]),
  );
  const parsed = (changes: Record<string, string | undefined>) => {
    const metadata = Object.entries({ ...header.__metadata__, ...changes }).filter(
      ([, text]) => text !== undefined,
    );
    return parsePredictor(
      writeSafetensors(tensors as never, Object.fromEntries(metadata) as Record<string, string>),
    );
  };
  expect((await parsed({})).predictor.weights).toEqual(file.predictor.weights);
  const one = { ...sampler, table: { sigmas: [20], rows: [[20], [0, 1]] } };
  const refusals: readonly (readonly [Record<string, string | undefined>, string, RegExp])[] = [
    [{ student: '{"steering":"predictor","scale_time":1}' }, 'E_PREDICTOR', /between 0 and 1; found/],
    [{ student: '{"steering":"predictor","scale_time":0.4,"r":1}' }, 'E_PREDICTOR', /found/],
    [{ student: undefined }, 'E_PREDICTOR', /this file has no student/],
    [{ schedule: '{}' }, 'E_PREDICTOR', /"schedule" too/],
    [{ sampler: '{}' }, 'E_SAMPLER', /begins with "format"/],
    [{ sampler: formatSampler(one) }, 'E_PREDICTOR', /asks the network once/],
    [{ format: '5' }, 'E_PREDICTOR', /reads up to 4/],
  ];
  for (const [changes, code, message] of refusals)
    await expect(parsed(changes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
