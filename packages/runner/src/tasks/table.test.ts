import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, heun, latents, type Request, type SamplerTable, solveSync } from '@fewstep/solvers';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { formatSampler, type SamplerFile } from '../sampler/sampler-file.js';
import { readTensors, tensorOf } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run as inters } from './inters.js';
import { run as samples } from './samples.js';

/** What a network says of itself, beside what all have here. */
const model = vi.hoisted(() => ({ told: {} as object }));
const denoise = ({ x, sigma }: Request) => ({
  denoised: x.map((value) => (0.25 * value + (sigma as number) ** 2 * 0.2) / (0.25 + (sigma as number) ** 2)),
});
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 2, labelDim: 0, sigmaMin: 0.1, sigmaMax: 20, ...model.told },
    denoiser: {
      evaluate: async (request: Request) => ({
        ...denoise(request),
        bottleneck: [],
        forwards: request.x.length / 4,
      }),
    },
  }),
}));
vi.mock('./load-decoder.js', () => ({ loadDecoder: async () => undefined }));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-tables-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  model.told = {};
});

const sigmas = [20, 3, 0.1];
const table = compile({ solver: heun, sigmas });
const of: SamplerFile['model'] = { shape: [1, 2, 2], sigma_min: 0.1, sigma_max: 20, latents: false };
const made = { schedule: { type: 'explicit', sigmas }, student: { solver: 'heun', num_steps: 3 } };

/** What a task makes with a table, and what it tells. */
async function run(task: unknown, told: SamplerTable = table, changes: Partial<typeof of> = {}, params = {}) {
  const folder = await mkdtemp(join(dir, 'task-'));
  const sampler = join(folder, 'sampler.json');
  await writeFile(sampler, formatSampler({ table: told, model: { ...of, ...changes }, ...made }));
  const { files, meta } = await (task as typeof samples)({
    params: { seeds: [3, 5], ...params } as never,
    inputs: { ...noModel, sampler } as never,
    ...{ dir: folder, hints: { batch: 2 }, digests: {}, device: { type: 'cpu' }, progress: () => {} },
  });
  const [name] = Object.values(files) as string[];
  return { tensors: await readTensors(join(folder, name!)), meta };
}

/** Of the seeds, each solved step by step. */
const solved = [3, 4, 5].map((seed) => {
  const x = latents([seed], [1, 2, 2]).map((value) => 20 * value);
  const shown: Request[] = [];
  const note = ({ request }: { request: Request }) => void shown.push(request);
  const sample = solveSync({ solver: heun, x, n: 1, sigmas, denoise, onEvaluation: note }).x;
  return { shown, sample };
});

it('a table gives the images of the method that it was compiled from, and counts them', async () => {
  const { tensors, meta } = await run(samples);
  const bytes = solved.flatMap(({ sample }) => [
    ...sample.map((value) => Math.min(255, Math.max(0, Math.trunc(value * 127.5 + 128)))),
  ]);
  expect([...tensorOf(tensors, 'images', 'U8').data]).toEqual(bytes);
  expect(meta).toEqual({ nfe: 4, images: 3 });
});

it('of one whose evaluations don’t all wait the depth is told', async () => {
  const parallel = { sigmas: [20, 3, 2], rows: [[20], [3, 0.5], [2, 0.5, 0], [0, 0.1, 0.5, 0.4]] };
  expect((await run(samples, parallel)).meta).toEqual({ nfe: 3, depth: 2, images: 3 });
});

it('its samples go through what the network is shown', async () => {
  const { tensors } = await run(inters);
  expect([...tensorOf(tensors, 'sigmas', 'F64').data]).toEqual([...table.sigmas, 0]);
  const { shape, data } = tensorOf(tensors, 'inters', 'F32');
  expect(shape).toEqual([5, 3, 1, 2, 2]);
  const states = [0, 1, 2, 3].map((k) => solved.map(({ shown }) => shown[k]!.x));
  const expected = [...states, solved.map(({ sample }) => sample)].flat().flatMap((x) => [...x]);
  for (const [i, value] of expected.entries()) expect(data[i]).toBeCloseTo(value, 5);
});

/** A table with an entry of the last row for each of two bands of pictures. */
const inBands = (shape: readonly [number, number, number]): SamplerTable => ({
  ...table,
  rows: [
    ...table.rows.slice(0, -1),
    table.rows.at(-1)!.flatMap((entry, j) => [entry, entry * (1 - 0.2 * j)]),
  ],
  bands: { shape, edges: [0.4] },
});

it('one that was made for data of another shape samples ours alike, by band too where the pictures are as large', async () => {
  const imagesOf = async (told: SamplerTable, shape: typeof of.shape) => [
    ...tensorOf((await run(samples, told, { shape })).tensors, 'images', 'U8').data,
  ];
  const own = await imagesOf(table, of.shape);
  expect(await imagesOf(table, [3, 8, 8])).toEqual(own);
  const banded = await imagesOf(inBands([1, 2, 2]), of.shape);
  expect(banded).not.toEqual(own);
  expect(await imagesOf(inBands([3, 2, 2]), [3, 2, 2])).toEqual(banded);
  await expect(imagesOf(inBands([1, 4, 2]), [1, 4, 2])).rejects.toMatchObject({
    code: 'E_SAMPLER',
    message: expect.stringMatching(
      /each frequency of images of 4 × 2, and .* denoises 2 × 2: .*without bands/,
    ),
  });
});

const discrete = { solvedAt: [20, 10, 5, 1] };
it.each<[string, Partial<typeof of>, object, object, RegExp]>([
  ['latents', { latents: true }, {}, {}, /made for latents, and .* denoises images:/],
  [
    'other noise',
    { sigma_max: 80 },
    {},
    {},
    /made for noise from 80 to 0\.1, and the dataset has it from 20 to 0\.1/,
  ],
  [
    'other noise than a spec says',
    {},
    { sigmaMin: 0.2 },
    {},
    /from 20 to 0\.1, and the dataset has it from 20 to 0\.2/,
  ],
  [
    'noise that the network does not know',
    {},
    {},
    discrete,
    /tells the network a noise level of 0\.1, and the dataset’s was trained on 1 to 20/,
  ],
])('one that was made for %s is refused', async (_, changes, params, info, message) => {
  model.told = info;
  await expect(run(samples, table, changes, params)).rejects.toMatchObject({
    code: 'E_SAMPLER',
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});
