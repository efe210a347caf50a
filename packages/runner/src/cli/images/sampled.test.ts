import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Experiment } from '../../experiment/experiment.js';
import { formatSampler } from '../../sampler/sampler-file.js';
import { plain } from '../../sampler/samplers.test.support.js';
import { type SampledOptions, sampledBy } from './sampled.js';

const official = new URL('../../../../models/fixtures/official-predictor.pkl', import.meta.url);

let dir: string;
beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'fewstep-sampled-')));
  await mkdir(join(dir, 'specs'));
  await copyFile(official, join(dir, 'amed.pkl')); // amed, num_steps 4, afs, time_uniform 1, of digits
  await writeFile(join(dir, 'captions.txt'), 'a cat\na dog\n');
  await writeFile(join(dir, 'table.json'), formatSampler(plain));
  for (const point of ['best', 'other']) {
    await mkdir(join(dir, 'results/fitted', point), { recursive: true });
    await copyFile(join(dir, 'table.json'), join(dir, 'results/fitted', point, 'sampler.json'));
  }
  await writeFile(
    join(dir, 'specs/a.yaml'),
    `name: a
dataset: cifar10
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: { total_kimg: 1 }
sample: { seeds: 0-7, batch: 2 }
grid: { student.num_steps: [3, 4] }
`,
  );
  await writeFile(
    join(dir, 'specs/prompts.yaml'),
    `name: prompts
dataset: ms_coco
guidance: { type: cfg, prompt: a house }
schedule: { type: discrete }
student: { solver: euler, num_steps: 3 }
train: false
`,
  );
  vi.spyOn(process, 'cwd').mockReturnValue(dir);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true });
});

const sampled = (spec: string | undefined, options: Partial<SampledOptions>) =>
  sampledBy(spec, { set: [], ...options });
const pointOf = ({ name, points }: Experiment) => ({ name, ...points[0]! });

it('is of a table alone what its file says, and of a spec in place of its sampler', async () => {
  const alone = pointOf(await sampled(undefined, { sampler: 'table.json', seeds: '3-4' }));
  expect(alone).toMatchObject({
    ...{ name: 'sample', dataset: { name: 'digits' }, train: false, seeds: [[3, 4]] },
    table: { file: join(dir, 'table.json'), sampler: plain },
  });
  const ofSpec = await sampled('specs/a.yaml', { sampler: 'table.json' });
  expect(ofSpec.points).toHaveLength(1);
  expect(pointOf(ofSpec)).toMatchObject({ dataset: { name: 'cifar10' }, batch: 2, table: alone.table });
  const taken = await sampled(undefined, { sampler: 'fitted/best' });
  expect(pointOf(taken).table!.file).toBe(join(dir, 'results/fitted/best/sampler.json'));
  await expect(sampled(undefined, { sampler: 'fitted' })).rejects.toMatchObject({
    code: 'E_SAMPLER',
    message: expect.stringContaining('may be any of 2 samplers, results/fitted/best/sampler.json, '),
  });
  await expect(sampled(undefined, { sampler: '3' })).rejects.toMatchObject({
    code: 'E_SAMPLER',
    message: expect.stringMatching(/"3" is no file of a sampler.*Name a sampler\.json, or an experiment/),
  });
  const both = sampled(undefined, { sampler: 'table.json', predictor: 'amed.pkl' });
  await expect(both).rejects.toMatchObject({ code: 'E_USAGE' });
});

it('is of a predictor alone what its file says', async () => {
  const { sampler, dataset, train, predictor, seeds, batch } = pointOf(
    await sampled(undefined, { predictor: 'amed.pkl' }),
  );
  expect({ ...sampler, dataset: dataset.name, train, predictor, seeds, batch }).toMatchObject({
    method: { solver: 'amed', scale_dir: 0.01, scale_time: 0 },
    schedule: { type: 'time_uniform', rho: 1 },
    numSteps: 4,
    afs: true,
    dataset: 'digits',
    train: false,
    predictor: join(dir, 'amed.pkl'),
    seeds: [[0, 63]],
    batch: 64,
  });
});

it('is what options say before the file and a spec, and --set before these', async () => {
  const told = { predictor: 'amed.pkl', dataset: 'ffhq', seeds: '5,7', batch: '3' };
  const set = ['sample.rng=torch-cuda'];
  const alone = pointOf(await sampled(undefined, { ...told, set }));
  expect([alone.dataset.name, alone.seeds, alone.batch, alone.rng]).toEqual([
    'ffhq',
    [
      [5, 5],
      [7, 7],
    ],
    3,
    'torch-cuda',
  ]);
  const { points } = await sampled('specs/a.yaml', { predictor: 'amed.pkl', seeds: '5' });
  expect(points).toHaveLength(1); // the grid is of the sampler that it takes the place of
  expect(points[0]).toMatchObject({
    dataset: { name: 'cifar10' },
    sampler: { method: { solver: 'amed' }, numSteps: 4 },
    seeds: [[5, 5]],
    batch: 2,
  });
});

it('takes one prompt or a file of them in place of a spec’s', async () => {
  const promptsOf = async (told: Partial<SampledOptions>) =>
    pointOf(await sampled('specs/prompts.yaml', told)).guidance?.prompts;
  expect(await promptsOf({})).toEqual(['a house']);
  expect(await promptsOf({ prompt: 'a tree' })).toEqual(['a tree']);
  expect(await promptsOf({ prompts: 'captions.txt' })).toEqual(['a cat', 'a dog']);
});

it.each<[string, string | undefined, Partial<SampledOptions>, object]>([
  ['nothing', undefined, {}, { code: 'E_USAGE' }],
  [
    'prompts twice',
    undefined,
    { predictor: 'amed.pkl', prompt: 'a', prompts: 'captions.txt' },
    { code: 'E_USAGE' },
  ],
  ['no predictor', undefined, { predictor: '4' }, { code: 'E_PREDICTOR' }],
  [
    'prompts of what has none',
    undefined,
    { predictor: 'amed.pkl', prompt: 'a cat' },
    {
      code: 'E_SPEC',
      message:
        '--prompt a cat E_SPEC guidance.prompt: nothing reads it: amed.pkl was trained without prompts. Remove it.',
    },
  ],
  [
    'another file',
    undefined,
    { predictor: 'captions.txt' },
    { message: expect.stringMatching(/^captions\.txt E_SPEC predictor: captions\.txt is no predictor/) },
  ],
  [
    'no number',
    'specs/a.yaml',
    { batch: 'x' },
    { message: '--batch x E_SPEC sample.batch: found "x", expected an integer from 1 to 65536.' },
  ],
  [
    'what is said twice',
    'specs/a.yaml',
    { seeds: '1', set: ['sample.seeds=2'] },
    { message: expect.stringMatching(/^--seeds 1 E_SPEC sample\.seeds: changes nothing, for --set/) },
  ],
])('refuses %s', async (_, spec, options, error) => {
  await expect(sampled(spec, options)).rejects.toMatchObject({ exitCode: 2, ...error });
});
