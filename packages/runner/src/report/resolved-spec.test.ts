import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { centred, initPredictor, tableOutputs } from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Experiment } from '../experiment/experiment.js';
import { ourLanguage } from '../experiment/language.js';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { trainChoices } from '../experiment/schema.js';
import { formatTablePredictor } from '../predictor/predictor-file.js';
import { formatSampler } from '../sampler/sampler-file.js';
import { plain } from '../sampler/samplers.test.support.js';
import { resolvedSpec, settingsIn } from './resolved-spec.js';

const official = new URL('../../../models/fixtures/official-predictor.pkl', import.meta.url).pathname;
const published = new URL('../../../../experiments/published/amed-solver.yaml', import.meta.url).pathname;
const midpoint = `export default ({ number, slopeAt, axpy }) => ({
  name: 'midpoint', evaluations: 2,
  options: { at: number({ exclusiveMinimum: 0, maximum: 1 }, 0.5, 'Where.') },
  make: () => ({ init: (x) => ({ x }), *step({ x }) { return { x }; } }),
});
`;

let dir: string;
let results: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-resolved-'));
  results = join(dir, 'results', 'it');
  await mkdir(join(dir, 'specs'), { recursive: true });
  await writeFile(join(dir, 'specs/midpoint.mjs'), midpoint);
  await writeFile(join(dir, 'specs/sampler.json'), formatSampler(plain));
  await writeFile(join(dir, 'specs/captions.txt'), 'a cat\na dog\n');
});
afterAll(() => rm(dir, { recursive: true }));

const options = () => ({ cwd: dir, models: join(dir, 'models') });
const read = (text: string, file = 'specs/it.yaml', set: string[] = []) =>
  parseExperiment(text, file, { ...options(), set });
/** All that is computed of it: what a grid set apart is how it was written. */
const meaning = ({ name, points }: Experiment) => ({
  name,
  points: points.map(({ settings, ...point }) => point),
});

/** The resolved spec of one, and it as that is read among its results. */
async function resolved(text: string, set: string[] = []) {
  const experiment = await read(text, 'specs/it.yaml', set);
  const yaml = resolvedSpec(experiment, settingsIn(experiment, results));
  const again = await read(yaml, 'results/it/spec.yaml');
  expect(meaning(again)).toEqual(meaning(experiment));
  expect(resolvedSpec(again, settingsIn(again, results))).toBe(yaml);
  return parse(yaml);
}

const head = 'name: it\ndataset: cifar10\nschedule: { type: polynomial }\n';

describe('an experiment with every key', () => {
  it('is the same where its results are, each default written out', async () => {
    expect(await resolved(`${head}student: { solver: ipndm, num_steps: 4 }`)).toEqual({
      name: 'it',
      dataset: 'cifar10',
      schedule: { type: 'polynomial', rho: 7 },
      student: {
        ...{ solver: 'ipndm', max_order: 4, scale_dir: 0.01, scale_time: 0 },
        ...{ num_steps: 4, afs: false, denoise_to_zero: false, bottleneck: 'network' },
      },
      teacher: { solver: 'ipndm', max_order: 4, M: 1 },
      train: {
        ...{ total_kimg: 10.112, batch: 128, lr: 0.005, loss_weight: 'official', seed: 0, validation: 0 },
      },
      sample: { seeds: '0-63', batch: 64, grid: '8x8', paths: 0, rng: 'torch-cpu', classes: 'random' },
      reference: {
        ...{ solver: 'heun', num_steps: 18, afs: false, denoise_to_zero: true },
        schedule: { type: 'polynomial', rho: 7 },
      },
      evaluate: [],
    });
  });

  it('leaves out no key that a spec may have', async () => {
    const trained = await resolved(
      `name: it\ndataset: ms_coco\nschedule: { type: discrete }\nstudent: { solver: dpmpp, num_steps: 4 }\nguidance: { type: cfg, prompt: a }\nsample: { tuned_on: 7-9 }\nevaluate: [rmse_to_teacher]\npublished: ${published}`,
    );
    const sampled = await resolved(`name: it\npredictor: ${official}`);
    expect(sampled.dataset).toBe('digits');
    const table = await resolved(`name: it\nsampler: sampler.json`);
    expect(table).toMatchObject({ dataset: 'digits', sampler: '../../specs/sampler.json' });
    expect(table).not.toHaveProperty('student');
    const { properties } = ourLanguage.schema;
    expect(Object.keys({ ...trained, ...sampled, ...table }).sort()).toEqual(Object.keys(properties!).sort());
    expect(Object.keys(trained.sample).sort()).toEqual(Object.keys(properties!.sample!.properties!).sort());
    expect(Object.keys(trained.train).sort()).toEqual(Object.keys(trainChoices).sort());
  });

  it('has what a predictor on top of a table is trained by, beside the table as it is', async () => {
    const steering = 'student: { steering: predictor }, train: { total_kimg: 1, batch: 50 }';
    const points = `grid: { points: [{ label: as it is }, { label: steered, ${steering} }] }`;
    const { sampler, grid } = await resolved(`name: it\nsampler: sampler.json\n${points}`);
    expect(sampler).toBe('../../specs/sampler.json');
    expect(grid.points[0]).toEqual({ label: 'as it is' });
    expect(grid.points[1]).toMatchObject({
      'student.steering': 'predictor',
      'student.scale_time': 0.5,
      'teacher.solver': 'heun',
      'teacher.num_steps': 18,
      'train.total_kimg': 1,
      'train.lr': 0.005,
    });
  });

  it('names the file of such a predictor, and nothing of its table', async () => {
    const { weights } = centred(initPredictor({ seed: 1, outputs: tableOutputs(0.3) }));
    const file = formatTablePredictor(
      { weights },
      {
        sampler: formatSampler(plain),
        student: { steering: 'predictor', scale_time: 0.3 },
        teacher: {
          ...{ solver: 'heun', num_steps: 18, afs: false, denoise_to_zero: true },
          schedule: { type: 'polynomial', rho: 7 },
        },
        dataset: { name: 'digits', sigma_min: 0.002, sigma_max: 80 },
        train: { total_kimg: 1, batch: 50, lr: 0.005, seed: 0, iteration: 3 },
      },
    );
    await writeFile(join(dir, 'specs/on-table.safetensors'), file);
    const whole = await resolved('name: it\npredictor: on-table.safetensors');
    expect(whole).toMatchObject({ dataset: 'digits', predictor: '../../specs/on-table.safetensors' });
    for (const key of ['student', 'schedule', 'sampler', 'train']) expect(whole).not.toHaveProperty(key);
    await expect(
      read('name: it\npredictor: on-table.safetensors\nstudent: { bottleneck: zero }'),
    ).rejects.toThrow(/student\.bottleneck: nothing reads it: specs\/on-table\.safetensors is a table/);
  });

  it('has a grid as its points, each with its label and what is its alone', async () => {
    const grid = 'grid: { student.solver: [amed, dpmpp], train.lr: [0.002, 0.005] }';
    const { grid: written, student, train } = await resolved(`${head}student: { num_steps: 4 }\n${grid}`);
    const labels = ['amed, lr 0.002', 'amed, lr 0.005', 'dpmpp, lr 0.002', 'dpmpp, lr 0.005'];
    expect(written.points.map(({ label }: { label: string }) => label)).toEqual(labels);
    expect(written.points[0]).toEqual({
      ...{ label: labels[0], 'student.solver': 'amed', 'teacher.solver': 'heun', 'train.lr': 0.002 },
    });
    expect(Object.keys(written.points[3])).toContain('student.predict_x0');
    expect([student.solver, student.num_steps, train.lr, train.batch]).toEqual([
      undefined,
      4,
      undefined,
      128,
    ]);
  });

  const amed = 'student: { solver: amed, num_steps: 3 }';
  const longList = (first: number) => `[${Array.from({ length: 40 }, (_, i) => first / (i + 1))}]`;
  it.each([
    [
      'points that train, and others',
      `student: { num_steps: 3 }
grid:
  points:
    - { label: a, student.solver: amed }
    - { label: b, student.solver: euler, train: false }
    - { label: c, student.solver: dpmpp, student.bottleneck: zero }`,
    ],
    ['a label alone', `${amed}\ngrid: { points: [{ label: mine, train.lr: 0.1 }] }`],
    ['a search', `${amed}\ngrid: { schedule.type: [gits, logsnr] }`],
    ['lists', `${amed}\nsample: { seeds: "7,0-3", classes: [1, 2] }`],
    ['single numbers', `${amed}\nsample: { seeds: 5, classes: 3 }`],
    [
      'labels that are longer than one may be',
      `student: { solver: amed, num_steps: 40 }
grid: { points: [${[80, 70].map((first) => `{ schedule: { type: explicit, sigmas: ${longList(first)} } }`)}] }`,
    ],
  ])('holds %s', async (_, more) => {
    await resolved(
      `${head.replace('schedule: { type: polynomial }\n', more.includes('explicit') ? '' : '$&')}${more}`,
    );
  });

  it('names files from where it lies', async () => {
    const predictor = `name: it\ndataset: { checkpoint: net.pkl, reference_data: real.zip, feature_network: f.onnx }\npredictor: ${official}\nevaluate: [fid]`;
    const { dataset, student, ...others } = await resolved(predictor, ['student.bottleneck=zero']);
    expect(dataset.checkpoint).toBe('../../specs/net.pkl');
    expect(student).toMatchObject({ solver: 'amed', afs: true, bottleneck: 'zero' });
    expect(others).not.toHaveProperty('train');
    const own = await resolved(
      `${head}student: { solver: ./midpoint.mjs, num_steps: 4 }\ntrain: false\nreference: { solver: ./midpoint.mjs, num_steps: 5, at: 0.2 }`,
    );
    expect(own.student).toMatchObject({ solver: '../../specs/midpoint.mjs', at: 0.5 });
    expect(own.grid).toEqual({ points: [{ label: './midpoint.mjs' }] });
    const prompted = await resolved(
      'name: it\ndataset: ms_coco\nschedule: { type: discrete, rho: 1 }\nstudent: { solver: dpmpp, num_steps: 4 }\nguidance: { type: cfg, prompts: captions.txt }',
    );
    expect(prompted.guidance).toEqual({ type: 'cfg', rate: 7.5, prompts: '../../specs/captions.txt' });
  });
});
