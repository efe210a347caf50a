import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initPredictor, placement } from '@fewstep/solvers';
import { afterAll, expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { compile } from '../graph/compile.js';
import { formatPredictor } from '../predictor/predictor-file.js';
import { formatSampler } from '../sampler/sampler-file.js';
import { trained as tableTrained } from '../sampler/samplers.test.support.js';
import { leaksOf } from './leaks.js';

const cwd = mkdtempSync(join(tmpdir(), 'fewstep-leaks-'));
afterAll(() => rmSync(cwd, { recursive: true }));

async function leaks(
  sample: string,
  sampler: string,
  networks: Parameters<typeof leaksOf>[1] = { scoring: ['ab'], training: undefined },
) {
  const text = `name: test
dataset: digits
evaluate: [rmse_to_teacher]
sample: ${sample}
${sampler}
`;
  const { points } = compile(await parseExperiment(text, join(cwd, 'a.yaml'), { cwd, models: 'models' }));
  return leaksOf(points[0]!, networks);
}

const trained = `schedule: { type: polynomial }
student: { solver: amed, num_steps: 4 }
train: { total_kimg: 0.016, batch: 8, validation: 4 }`;
const [training, validation] = [2 ** 31, 3 * 2 ** 30];

it.each([
  ['{ seeds: 0-63 }', trained, []],
  [`{ seeds: '${training + 10}-${training + 20}' }`, trained, [{ of: 'training', images: 6 }]],
  [`{ seeds: '${validation - 5}-${validation + 20}' }`, trained, [{ of: 'validation', images: 4 }]],
  // on another generator those are other images
  [
    `{ seeds: '${training}', rng: torch-cuda, tuned_on: '${training}' }`,
    trained,
    [{ of: 'tuned_on', images: 1 }],
  ],
  [
    `{ seeds: '0-9,${training}', tuned_on: 5-100 }`,
    'schedule: { type: gits, num_warmup: 4 }\nstudent: { solver: euler, num_steps: 4 }\ntrain: false',
    [
      { of: 'schedule', images: 1 },
      { of: 'tuned_on', images: 5 },
    ],
  ],
])('finds what scored images were before: %s', async (sample, sampler, found) => {
  expect(await leaks(sample, sampler)).toEqual(found);
});

it('knows the training images of a predictor’s file, and of an official one none', async () => {
  const student = { solver: 'amed', num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0 } as const;
  writeFileSync(
    join(cwd, 'predictor.safetensors'),
    formatPredictor(initPredictor({ seed: 0, outputs: placement({ scale_dir: 0.01, scale_time: 0 }) }), {
      schedule: { type: 'polynomial', rho: 7 },
      student,
      teacher: { solver: 'heun', M: 1 },
      dataset: { name: 'digits', sigma_min: 0.002, sigma_max: 80 },
      train: { total_kimg: 0.016, batch: 8, lr: 0.005, loss_weight: 'official', seed: 0 },
    }),
  );
  const sample = `{ seeds: '${training + 10}-${training + 20}' }`;
  expect(await leaks(sample, 'predictor: predictor.safetensors')).toEqual([{ of: 'training', images: 6 }]);
  const official = fileURLToPath(new URL('../../../models/fixtures/official-predictor.pkl', import.meta.url));
  expect(await leaks(sample, `predictor: ${official}`)).toEqual([]);
});

it('knows scores by features of the network that a table was trained on', async () => {
  const sampler = 'schedule: { type: polynomial }\nstudent: { solver: table, num_steps: 4 }';
  const on = (training: string | undefined, sample = '{ seeds: 0-9 }') =>
    leaks(sample, sampler, { scoring: ['ab', 'cd'], training });
  expect(await on('cd')).toEqual([{ of: 'features', images: 10 }]);
  expect(await on('ef')).toEqual([]);
  expect(await on(undefined)).toEqual([]);
  expect(await on('ab', `{ seeds: '0-2,${training}', rng: torch-cuda, tuned_on: 1 }`)).toEqual([
    { of: 'tuned_on', images: 1 },
    { of: 'features', images: 4 },
  ]);
});

it('knows the images that a table was trained on and chosen by', async () => {
  const { guidance: _, ...fitted } = tableTrained; // on 192 images, and 64 to choose by
  writeFileSync(join(cwd, 'sampler.json'), formatSampler(fitted));
  const on = (...seeds: string[]) => leaks(`{ seeds: '${seeds}' }`, 'sampler: sampler.json');
  expect(await on('0-9', `${training + 190}-${training + 300}`, `${validation}-${validation + 99}`)).toEqual([
    { of: 'training', images: 2 },
    { of: 'validation', images: 64 },
  ]);
  expect(await on('0-9')).toEqual([]);
});
