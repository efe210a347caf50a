import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseExperiment } from './parse-experiment.js';

const cwd = mkdtempSync(join(tmpdir(), 'fewstep-published-'));
afterAll(() => rmSync(cwd, { recursive: true }));

writeFileSync(
  join(cwd, 'figures.yaml'),
  `- dataset: cifar10
  images: 50000
  source: a paper
  nfe: [3, 5]
  samplers:
    - { name: Trained, student: { solver: ipndm }, fid: [2, null] }
    - { name: Plain, student: { solver: ipndm, max_order: 4 }, schedule: { type: polynomial, rho: 7 }, train: false, fid: [3, 1.5] }
- dataset: ffhq
  images: 10
  source: another
  nfe: [5]
  samplers: [{ name: Free, student: { solver: euler, afs: true }, train: false, fid: [9] }]
- dataset: imagenet256
  images: 1
  source: a third
  nfe: [5]
  samplers:
    - { name: Guided, guidance: { type: cg, rate: 4 }, student: { solver: euler }, train: false, fid: [8] }
`,
);

interface Said {
  readonly dataset?: string;
  readonly schedule?: string;
  readonly student?: string;
  readonly more?: string;
  readonly published?: string;
}
const publishedOf = async ({
  dataset = 'cifar10',
  schedule = 'polynomial',
  student = 'solver: ipndm, num_steps: 6',
  more = 'train: false',
  published = 'figures.yaml',
}: Said) => {
  const text = `name: a
dataset: ${dataset}
published: ${published}
schedule: { type: ${schedule} }
student: { ${student} }
${more}
`;
  const { points } = await parseExperiment(text, join(cwd, 'a.yaml'), { cwd, models: 'models' });
  return points[0]!.published;
};

const guided = { dataset: 'imagenet256', student: 'solver: euler, num_steps: 6' };

it('are those of the sampler with the same dataset and settings, by what a sample costs', async () => {
  const plain = { name: 'Plain', source: 'a paper', images: 50_000, fid: { 3: 3, 5: 1.5 } };
  expect(await publishedOf({})).toEqual(plain);
  expect(await publishedOf({ more: '' })).toEqual({ ...plain, name: 'Trained', fid: { 3: 2 } });
  const afs = await publishedOf({ dataset: 'ffhq', student: 'solver: euler, num_steps: 7, afs: true' });
  expect(afs).toMatchObject({ name: 'Free', images: 10 });
  expect(await publishedOf({ ...guided, more: 'train: false\nguidance: { type: cg }' })).toMatchObject({
    name: 'Guided',
  });
});

it.each<Said>([
  { student: 'solver: ipndm, num_steps: 6, max_order: 3' },
  { student: 'solver: ipndm, num_steps: 7, afs: true' },
  { student: 'solver: ipndm, num_steps: 6, denoise_to_zero: true' },
  { student: 'solver: euler, num_steps: 6' },
  { schedule: 'logsnr' },
  { ...guided, more: 'train: false\nguidance: { type: cg, rate: 2 }' },
  { dataset: 'ffhq' },
  { dataset: '{ checkpoint: edm-cifar10-32x32-uncond-vp.pkl }' },
])('are none of another sampler or dataset: %j', async (said) => {
  expect(await publishedOf(said)).toBeUndefined();
});

it.each([
  ['nowhere.yaml', '', /a\.yaml:3:12 E_SPEC published: nowhere\.yaml is not there; .*relative to the spec\./],
  ['.', '', /a\.yaml:3:12 E_SPEC published: .* is no file: name a YAML file/],
  ['list.yaml', 'a: [', /a\.yaml:3:12 E_SPEC published: list\.yaml is no YAML: /],
  ['map.yaml', 'a: 1', /map\.yaml:1:1 E_SPEC .*expected a list of tables, each with dataset/],
  [
    'wrong.yaml',
    '- { dataset: cifar, images: 1, source: x, nfe: [5], samplers: [{ name: y, student: { solver: amed }, fid: [1] }] }',
    /wrong\.yaml:1:14 E_SPEC .*dataset: "cifar" .*"cifar10"/,
  ],
  [
    'uneven.yaml',
    '- { dataset: ffhq, images: 1, source: x, nfe: [5], samplers: [{ name: y, student: { solver: amed }, fid: [1, 2] }] }',
    /a\.yaml:3:12 E_SPEC published: uneven\.yaml has 2 figures of y, which is another number than its table's nfe/,
  ],
])('that %s does not tell are a problem of the spec', async (name, text, message) => {
  if (text) writeFileSync(join(cwd, name), text);
  await expect(publishedOf({ published: name })).rejects.toThrow(message);
});
