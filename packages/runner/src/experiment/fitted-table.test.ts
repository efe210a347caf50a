import { generators, methods } from '@fewstep/solvers/methods';
import { expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { resolvedSpec, settingsIn } from '../report/resolved-spec.js';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

const parse = (lines: string) =>
  parseExperiment(
    `name: test\ndataset: digits\nschedule: { type: time_uniform }\nstudent: ${lines}\n`,
    'a.yaml',
    { cwd: '/home/me', models: '/models' },
  );

async function problems(lines: string): Promise<string[]> {
  const error: unknown = await parse(lines).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SpecError);
  return (error as SpecError).problems.map(({ message }) =>
    message.replace('a.yaml:', '').replace('E_SPEC ', ''),
  );
}

it('is fitted from ipndm to heun with 35 evaluations, where nothing else is said', async () => {
  const { points } = await parse('{ solver: table, num_steps: 4, afs: true }');
  expect(points[0]).toMatchObject({
    sampler: { method: { solver: 'ipndm', max_order: 4 }, numSteps: 4, afs: true, evaluations: 1 },
    train: false,
    fit: {
      generator: { generator: 'table', bands: 4, by_band: 'last' },
      teacher: {
        method: { solver: 'heun' },
        ...{ numSteps: 18, denoiseToZero: true, afs: false, schedule: { type: 'polynomial', rho: 7 } },
      },
      ...{ images: 512, finalRounds: 1, validation: 128, seed: 0 },
    },
  });
});

it('is trained on whole blocks, as its start without thresholding, and told as a spec that is read as the same', async () => {
  const experiment = await parse(`{ solver: table, start: dpmpp, num_steps: 5, bands: 4 }
teacher: { solver: ipndm, num_steps: 9, schedule: { type: logsnr } }
train: { images: 33, final_rounds: 2, validation: 1, contrast: 0.5, match_energy: true, seed: 1023 }`);
  const [point] = experiment.points;
  expect(point).toMatchObject({
    sampler: { method: { solver: 'dpmpp', predict_x0: true, thresholding: 'none' } },
    fit: {
      generator: { bands: 4 },
      images: 48,
      finalRounds: 2,
      validation: 16,
      contrast: 0.5,
      matchEnergy: true,
      seed: 1023,
    },
  });
  const told = resolvedSpec(experiment, settingsIn(experiment, '/home/me'));
  expect(parseYaml(told).student).toMatchObject({ solver: 'table', start: 'dpmpp', bands: 4, num_steps: 5 });
  const again = await parseExperiment(told, 'spec.yaml', { cwd: '/home/me', models: '/models' });
  expect(again.points.map(({ sampler, fit }) => ({ sampler, fit }))).toEqual([
    { sampler: point!.sampler, fit: point!.fit },
  ]);
});

it('is what steers a student, all samples alike', async () => {
  const experiment = await parse('{ solver: dpmpp, steering: table, num_steps: 3, scale_dir: 0.05 }');
  const [point] = experiment.points;
  expect(point).toMatchObject({
    sampler: { method: { solver: 'dpmpp' }, evaluations: 2 },
    train: false,
    fit: {
      generator: { generator: 'dpmpp', scale_dir: 0.05, scale_time: 0, thresholding: 'none' },
      teacher: { method: { solver: 'heun' }, numSteps: 18 },
    },
  });
  const told = resolvedSpec(experiment, settingsIn(experiment, '/home/me'));
  const again = await parseExperiment(told, 'spec.yaml', { cwd: '/home/me', models: '/models' });
  expect(again.points[0]!.fit).toEqual(point!.fit);
  expect(await problems('{ solver: amed, steering: table, num_steps: 3, start: euler }')).toEqual([
    expect.stringMatching(/^4:57 student.start: nothing reads it: only a table begins from another method/),
  ]);
  expect(await problems('{ solver: table, steering: table, num_steps: 3 }')).toEqual([
    '4:27 student.steering: nothing reads it: only a student that can have a predictor is steered, and none is trained. Remove it.',
  ]);
});

it('is fitted to features of a network where it is told to, by default of the dataset’s own', async () => {
  const fitted = async (train: string, dataset = '') => {
    const experiment = await parse(`{ solver: table, num_steps: 4 }\ntrain: ${train}\n${dataset}`);
    const told = resolvedSpec(experiment, settingsIn(experiment, '/home/me'));
    const again = await parseExperiment(told, 'spec.yaml', { cwd: '/home/me', models: '/models' });
    expect(again.points[0]!.fit).toEqual(experiment.points[0]!.fit);
    const { files } = experiment;
    return {
      ...experiment.points[0]!.fit,
      files,
      beside: files.find(({ role }) => role.startsWith('train.')),
    };
  };
  const own = await fitted('{ loss: features }');
  expect(own.features).toEqual({
    network: { file: expect.stringMatching(/packages.digits.digits-features\.onnx$/) },
    weight: 1,
  });
  expect(own.files.map(({ role }) => role)).toEqual(['checkpoint', 'feature_network']);
  const other = await fitted('{ loss: features, feature_network: nets/vgg.onnx, feature_weight: 0.1 }');
  expect(other.features).toEqual({ network: { file: '/home/me/nets/vgg.onnx' }, weight: 0.1 });
  expect(other.beside).toMatchObject({
    path: '/home/me/nets/vgg.onnx',
    ifMissing: {
      message: expect.stringMatching(
        /^a.yaml:5:43 E_SPEC train.feature_network: there is no nets\/vgg.onnx .* or one of inception, dinov2\.$/,
      ),
    },
  });
  const named = await fitted('{ loss: features, feature_network: dinov2 }');
  expect(named.features!.network.file).toBe('/models/dinov2_vitl14_pretrain.pth');
  expect(named.beside!.ifMissing.message).toMatch(/fewstep models fetch dinov2 gets it/);
  expect(await fitted('{ loss: l2 }')).not.toHaveProperty('features');
});

it.each([
  [
    '{ solver: table, num_steps: 4 }\ntrain: false',
    [
      '5:8 train: table is a table that is fitted, and nothing before: remove train: false, take what it begins from (ipndm) as student, or name a fitted one as sampler.',
    ],
  ],
  [
    '{ solver: table, num_steps: 4, bottleneck: zero }\ntrain: { total_kimg: 1, images: 16 }\nteacher: { M: 2, num_steps: 9 }',
    [
      '4:41 student.bottleneck: nothing reads it: only a predictor does, and there is none. Remove it.',
      '5:10 train.total_kimg: nothing reads it: only the training of a predictor has total_kimg. Remove it.',
      '6:12 teacher.M: nothing reads it: only a predictor is trained along a trajectory, a table is fitted to where its teacher ends. Remove it.',
    ],
  ],
  [
    '{ solver: amed, num_steps: 4, start: euler, bands: 2 }\ntrain: { images: 16 }\nteacher: { num_steps: 9, schedule: { type: logsnr } }',
    [
      /^4:40 student.start: nothing reads it: only a table begins from another method \(student.solver table/,
      '4:54 student.bands: nothing reads it: only table has bands. Remove it.',
      '5:10 train.images: nothing reads it: only the training of a table has images. Remove it.',
      /^6:12 teacher.num_steps: nothing reads it: only a table has a teacher with timestamps of its own; /,
      /^6:26 teacher.schedule: nothing reads it: /,
    ],
  ],
  [
    '{ solver: table, num_steps: 4, start: heun, max_order: 3 }\ntrain: { seed: 1024 }',
    [
      '4:54 student.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
      '5:16 train.seed: the training of a table has no seed 1024; only the training of a predictor has that.',
    ],
  ],
  [
    '{ solver: table, num_steps: 4, start: dpmpp, thresholding: dynamic }',
    [/^4:69 student.thresholding: only what is linear in the network’s answers is a table/],
  ],
  [
    '{ solver: table, num_steps: 100 }\nteacher: { schedule: { type: explicit, sigmas: [80, 1] } }',
    [/^5:\d+ teacher.schedule.sigmas: 2 noise levels but num_steps 18/],
  ],
  [
    '{ solver: table, num_steps: 4 }\ntrain: { feature_network: a.onnx, feature_weight: 2 }',
    [
      '5:10 train.feature_network: nothing reads it: only a table that is fitted to features has it (train.loss: features). Remove it.',
      '5:35 train.feature_weight: nothing reads it: only a table that is fitted to features has it (train.loss: features). Remove it.',
    ],
  ],
  [
    '{ solver: table, num_steps: 4 }\ntrain: { loss: end_to_end, feature_weight: 0 }',
    [
      '5:16 train.loss: "end_to_end" is no name that is known here. One of features, l2.',
      /^5:44 train.feature_weight: .*above 0/,
    ],
  ],
  [
    '{ solver: amed, num_steps: 4 }\ntrain: { loss: features, feature_weight: 2 }',
    [
      '5:10 train.loss: nothing reads it: only the training of a table has loss. Remove it.',
      /^5:26 train.feature_weight: nothing reads it: only a table that is fitted to features/,
    ],
  ],
  [
    '{ solver: table, num_steps: 70 }',
    [
      '4:38 student.num_steps: table of 70 timestamps has 2,764 numbers that are free, and 2,000 at most are fitted together: take fewer steps, or one with fewer.',
    ],
  ],
])('says what can’t be: %s', async (lines, found) => {
  expect(await problems(lines)).toEqual(
    found.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))),
  );
});

it.each([
  [
    'none sees them',
    '{ checkpoint: a.pkl }',
    /^a.yaml:4:16 E_SPEC train.loss: features are what a network sees, and the dataset has none: add feature_network to train, a file or one of inception, dinov2, or to the dataset/,
  ],
  ['they are of latents', 'ms_coco', /^a.yaml:4:16 E_SPEC train.loss: features are of pictures, .* latents/],
])('is fitted to no features where %s', async (_, dataset, found) => {
  const guidance = dataset === 'ms_coco' ? 'guidance: { type: cfg, prompt: a }\n' : '';
  const text = `name: test
schedule: { type: time_uniform }
student: { solver: table, num_steps: 4 }
train: { loss: features }
dataset: ${dataset}\n${guidance}`;
  const parsed = parseExperiment(text, 'a.yaml', { cwd: '/home/me', models: '/models' });
  await expect(parsed).rejects.toThrow(found);
});

it('reads a key in one place: no generator has an option of a method, or a key of the student', () => {
  const ofMethods = Object.values(methods).flatMap(({ options }) => Object.keys(options));
  const keys = ['solver', 'start', 'num_steps', 'afs', 'denoise_to_zero', 'bottleneck', ...ofMethods];
  for (const { options } of Object.values(generators))
    for (const key of Object.keys(options)) expect(keys).not.toContain(key);
});
