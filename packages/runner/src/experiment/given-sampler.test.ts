import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../graph/compile.js';
import { formatSampler } from '../sampler/sampler-file.js';
import { plain, trained } from '../sampler/samplers.test.support.js';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'fewstep-table-'));
  await mkdir(join(cwd, 'folder.json'));
  await writeFile(join(cwd, 'plain.json'), formatSampler(plain));
  await writeFile(join(cwd, 'guided.json'), formatSampler(trained));
  const { dataset: _, ...model } = plain.model;
  // of a student and a schedule that nobody here has heard of
  const student = { solver: 'of-tomorrow', by: 'itself', num_steps: 9, afs: true };
  const schedule = { type: 'gits-ish', levels: [3, 1] };
  await writeFile(join(cwd, 'strange.json'), formatSampler({ ...plain, model, student, schedule }));
  await writeFile(join(cwd, 'page.json'), '<html>');
  await writeFile(join(cwd, 'bytes.json'), Buffer.of(0xff, 0xfe));
  await writeFile(join(cwd, 'huge.json'), '');
  await truncate(join(cwd, 'huge.json'), 100e6);
});
afterAll(() => rm(cwd, { recursive: true }));

const parse = (...lines: readonly string[]) =>
  parseExperiment(['name: test', ...lines].join('\n'), 'specs/a.yaml', { cwd, models: '/models' });
async function problems(...lines: readonly string[]): Promise<string[]> {
  const error = await parse(...lines).catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  return error.problems.map(({ message }) => message.replace('specs/a.yaml:', '').replace('E_SPEC ', ''));
}

it('brings along what it was made of, and says what it costs', async () => {
  const { points, files } = await parse('sampler: ../plain.json');
  expect(points).toHaveLength(1);
  expect(points[0]).toMatchObject({
    label: 'ipndm',
    dataset: { name: 'digits' },
    sampler: { method: { solver: 'ipndm', max_order: 4 }, numSteps: 4, afs: true, denoiseToZero: false },
    train: false,
    table: { file: join(cwd, 'plain.json'), sampler: plain },
  });
  expect(files.map(({ role }) => role)).toContain('sampler');
});

it('is sampled with whatever its student and schedule are, on a dataset that is told', async () => {
  const [point] = (await parse('sampler: ../strange.json', 'dataset: cifar10')).points;
  expect(point).toMatchObject({ label: 'of-tomorrow', sampler: { method: { by: 'itself' }, numSteps: 9 } });
});

it('varies in a grid, also beside others', async () => {
  const grid = ['grid:', '  points:', '  - { label: a, sampler: ../plain.json }'];
  const other = '  - { label: b, student: { solver: euler, num_steps: 4 }, train: false }';
  // how the others are made isn't laid beneath it
  const base = ['dataset: digits', 'schedule: { type: logsnr }', 'teacher: { M: 2 }'];
  const both = await parse(...base, ...grid, other.replace(', train: false', ', train: { lr: 1 }'));
  expect(
    both.points.map(({ label, table, sampler }) => [label, table !== undefined, sampler.numSteps]),
  ).toEqual([
    ['a', true, plain.student.num_steps],
    ['b', false, 4],
  ]);
  const said = grid.map((line) => line.replace('plain.json', 'plain.json, schedule: { type: logsnr }'));
  expect(await problems('dataset: digits', ...said)).toEqual([
    expect.stringMatching(/^5:59 schedule\.type: found "logsnr", but plain\.json was made with/),
  ]);
});

it('makes tasks that know of the table, the model and the images alone', async () => {
  const { points } = compile(await parse('sampler: ../plain.json', 'sample: { rng: torch-cuda }'));
  const { params, inputs, workPerItem } = points[0]!.samples;
  expect(params).toEqual({ sigmaMin: 0.002, sigmaMax: 80, rng: 'torch-cuda' });
  expect(inputs).toMatchObject({ sampler: [{ file: join(cwd, 'plain.json') }] });
  expect(workPerItem).toBe(2);
  expect(points[0]!.schedule).toBeUndefined();
});

it('is guided as it was made, at any rate', async () => {
  const guided = ['sampler: ../guided.json', 'dataset: ms_coco'];
  const [point] = (await parse(...guided, 'guidance: { prompt: a cat }')).points;
  expect(point!.guidance).toEqual({ type: 'cfg', rate: 7.5, prompts: ['a cat'] });
  const [other] = (await parse(...guided, 'guidance: { prompt: a cat, rate: 3 }')).points;
  expect(other!.guidance!.rate).toBe(3);
  expect(await problems(...guided, 'guidance: { type: uncond }')).toContainEqual(
    expect.stringMatching(/guidance\.type: found "uncond", but guided\.json was made with "cfg"/),
  );
});

describe('a predictor on top of it', () => {
  const steered = ['sampler: ../plain.json', 'student: { steering: predictor, scale_time: 0.3 }'];

  it('is trained towards where the teacher of the table ends, on its own images', async () => {
    const train = 'train: { total_kimg: 0.1, batch: 32, validation: 8 }';
    const experiment = await parse(...steered, train, 'teacher: { solver: euler, num_steps: 9 }');
    const [point] = experiment.points;
    expect(point).toMatchObject({
      train: false,
      table: { sampler: plain },
      onTable: { scaleTime: 0.3, images: 128, batch: 32, lr: 0.005, validation: 8, seed: 0 },
    });
    const { predictor, samples } = compile(experiment).points[0]!;
    const teacher = {
      ...{ method: { solver: 'euler' }, numSteps: 9, afs: false, denoiseToZero: true },
      ...{ schedule: { type: 'polynomial', rho: 7 }, sigmaMin: 0.002, sigmaMax: 80 },
    };
    expect(predictor!.params).toEqual({
      ...{ sigmaMin: 0.002, sigmaMax: 80, scaleTime: 0.3, teacher, dataset: 'digits' },
      ...{
        batch: 32,
        lr: 0.005,
        seed: 0,
        seeds: [2 ** 31, 2 ** 31 + 127],
        validation: [3 * 2 ** 30, 3 * 2 ** 30 + 7],
      },
    });
    expect(predictor!.inputs).toMatchObject({
      sampler: [{ file: join(cwd, 'plain.json') }],
      targets: [{ shards: { params: teacher } }],
    });
    // the predictor's file has the table
    expect(samples.params).toEqual({ sigmaMin: 0.002, sigmaMax: 80 });
    expect(samples.inputs).toMatchObject({ predictor: [{ task: predictor }] });
    expect(samples.inputs.sampler).toBeUndefined();
    expect(samples.workPerItem).toBe(2);
  });

  it('has the teacher of its table where none is told', async () => {
    const told = ['sampler: ../guided.json', 'dataset: ms_coco', 'guidance: { prompt: a cat }'];
    const [point] = (await parse(...told, 'student: { steering: predictor }')).points;
    expect(point!.onTable).toMatchObject({
      scaleTime: 0.5,
      teacher: { method: { solver: 'heun' }, numSteps: 18, afs: false, denoiseToZero: true },
    });
  });

  it.each([
    [['student: { steering: predictor, scale_time: 1 }'], /student\.scale_time: found 1, expected a number/],
    [['student: { steering: table }'], /student\.steering: nothing reads it: plain\.json is a table/],
    [['student: { scale_time: 0.3 }'], /student\.scale_time: nothing reads it: plain\.json is a table/],
    [['student: { steering: predictor, scale_dir: 0.1 }'], /student\.scale_dir: nothing reads it/],
    [['student: { steering: predictor }', 'train: false'], /train: no predictor comes of no training/],
    [
      ['student: { steering: predictor }', 'train: { loss_weight: official }'],
      /train\.loss_weight: nothing reads it: the training of a predictor on top of a table has total_kimg, batch/,
    ],
    [['student: { steering: predictor }', 'teacher: { M: 2 }'], /teacher\.M: nothing reads it/],
  ])('of %j says what is wrong', async (lines, message) => {
    const found = await problems('sampler: ../plain.json', ...lines);
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it('is none of a table that asks once, nor of a teacher that nobody knows', async () => {
    const once = { ...plain, table: { sigmas: [80], rows: [[80], [0, 1]] } };
    await writeFile(join(cwd, 'once.json'), formatSampler(once));
    const teacher = { ...trained.teacher!, solver: 'of-tomorrow' };
    const { guidance: _, ...unguided } = trained;
    await writeFile(join(cwd, 'tomorrow.json'), formatSampler({ ...unguided, teacher }));
    const steering = 'student: { steering: predictor }';
    expect(await problems('sampler: ../once.json', steering)).toEqual([
      expect.stringMatching(/sampler: once\.json asks the network once/),
    ]);
    expect(await problems('sampler: ../tomorrow.json', steering)).toEqual([
      expect.stringMatching(/sampler: tomorrow\.json was fitted to samples of of-tomorrow on polynomial/),
    ]);
  });
});

const predictor = 'predictor: network.pkl';
it.each([
  [['sampler: 5'], /sampler: found 5, expected text/],
  [['sampler: none.json'], /sampler: there is no specs\/none\.json; the path is relative to the spec\.$/],
  [['sampler: ../folder.json'], /folder\.json is no file; name a sampler\.json\.$/],
  [['sampler: ../huge.json'], /huge\.json has 100000000 bytes, far more than a sampler/],
  [['sampler: ../page.json'], /page\.json is no sampler to sample with: it is no whole JSON/],
  [['sampler: ../bytes.json'], /bytes\.json can't be read/],
  [['sampler: ../strange.json'], /strange\.json does not say what it was made on: say as dataset/],
  [['sampler: ../plain.json', predictor], /predictor: predictor and sampler both say what is sampled with/],
  [['sampler: ../plain.json', 'train: { seed: 1 }'], /train: nothing reads it: predictor or sampler names/],
  [['sampler: ../plain.json', 'teacher: { M: 2 }'], /teacher: nothing reads it/],
  [
    ['sampler: ../plain.json', 'student: { num_steps: 5 }'],
    /student\.num_steps: found 5, but plain\.json was made with 4/,
  ],
  [
    ['sampler: ../plain.json', 'student: { bottleneck: zero }'],
    /student\.bottleneck: nothing reads it: plain\.json is a table/,
  ],
  [['sampler: ../plain.json', 'student: ipndm'], /student: nothing reads it/],
  [
    ['sampler: ../plain.json', 'guidance: { prompt: a }'],
    /guidance\.prompt: nothing reads it: plain\.json was made without/,
  ],
])('of %j says what is wrong', async (lines, message) => {
  expect((await problems(...lines)).filter((one) => !message.test(one))).toEqual([]);
});
