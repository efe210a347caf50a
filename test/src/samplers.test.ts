import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { admTold } from './public-files/tiny-models.js';

const spec = `name: plain
dataset: digits
schedule: { type: polynomial }
student: { solver: ipndm, max_order: 2, num_steps: 3 }
train: false
sample: { seeds: 0-2, grid: 3x1 }
`;
/** The same beside its table, whose file says no other. */
const both = `${spec}grid:
  points:
    - label: method
    - { label: table, sampler: sampler.json }
`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-samplers-'));
  await writeFile(join(dir, 'spec.yaml'), spec);
  await writeFile(join(dir, 'both.yaml'), both);
});
afterAll(() => rm(dir, { recursive: true }));

const command = (...args: string[]) =>
  fewstep(args, { cwd: dir, env: { FEWSTEP_MODELS: join(root, 'experiments') } });

it('a method as a table gives the very images of the method, in a run and alone', async () => {
  const compiled = await command('samplers', 'compile', 'spec.yaml', '-o', 'sampler.json', '--json');
  expect(compiled.code, compiled.stderr).toBe(0);
  expect(JSON.parse(compiled.stdout)).toEqual({ file: 'sampler.json', nfe: 2 });

  const ran = await command('run', 'both.yaml', '--json');
  expect(ran.code, ran.stderr).toBe(0);
  const { points } = experimentJson(ran.stdout);
  const shards = points.map(({ artifacts }: { artifacts: { samples: string[] } }) => artifacts.samples);
  expect(shards.map(({ length }: string[]) => length)).toEqual([1, 1]);
  expect(shards[0]).toEqual(shards[1]); // one blob in the store, whose name is its content's
  expect(points[1]).toMatchObject({
    label: 'table',
    nfe: 2,
    artifacts: { sampler: join(dir, 'sampler.json') },
  });

  const sampled = await command('sample', '--sampler', 'sampler.json', '--seeds', '0-2', '--json');
  expect(sampled.code, sampled.stderr).toBe(0);
  expect(experimentJson(sampled.stdout)).toMatchObject({
    points: [{ label: 'ipndm', folder: 'samples/digits/ipndm_nfe2', images: 3 }],
    tasks: { computed: 0 },
  });
});

it('samples with the network and at the guidance rate that it is given, not those that it was made for', async () => {
  const fixture = (name: string) => join(root, 'packages/models/fixtures', name);
  const { attention_order, num_head_channels } = admTold;
  const guided = {
    checkpoint: fixture('adm-diffusion.pt'),
    classifier: fixture('adm-classifier.pt'),
    network: {
      ...admTold,
      classifier_num_head_channels: num_head_channels,
      classifier_attention_order: attention_order,
    },
  };
  const made = {
    ...{ name: 'guided', dataset: guided, guidance: { type: 'cg', rate: 4 }, train: false },
    ...{ schedule: { type: 'polynomial' }, student: { solver: 'euler', num_steps: 3 } },
  };
  await writeFile(join(dir, 'guided.yaml'), JSON.stringify(made));
  const compiled = await command('samplers', 'compile', 'guided.yaml', '-o', 'guided.json');
  expect(compiled.code, compiled.stderr).toBe(0);

  const { schedule } = made;
  const ipndm = { solver: 'ipndm', max_order: 2, num_steps: 3 };
  // of other channels and size than digits, without classes
  const other = { dataset: { checkpoint: fixture('edm-ncsnpp-uncond.p2.pkl') } };
  const weakly = { dataset: guided, guidance: { type: 'cg', rate: 1 } };
  const points = [
    { label: 'ipndm', ...other, student: ipndm, schedule, train: false },
    { label: 'its table', ...other, sampler: 'sampler.json' },
    { label: 'euler', ...weakly, student: made.student, schedule, train: false },
    { label: 'table of rate 4', ...weakly, sampler: 'guided.json' },
  ];
  const elsewhere = { name: 'elsewhere', sample: { seeds: '0-1', grid: '2x1' }, grid: { points } };
  await writeFile(join(dir, 'elsewhere.yaml'), JSON.stringify(elsewhere));
  const ran = await command('run', 'elsewhere.yaml', '--json');
  expect(ran.code, ran.stderr).toBe(0);
  const [method, table, rated, given] = experimentJson(ran.stdout).points.map(
    ({ artifacts }: { artifacts: { samples: string[] } }) => artifacts.samples,
  );
  expect(table).toEqual(method);
  expect(given).toEqual(rated);
});

it('shows its rows, and refuses what is none or was made for others', async () => {
  const { stdout } = await command('samplers', 'show', 'sampler.json');
  const lines = stdout.split('\n');
  expect(lines.slice(0, 4)).toEqual([
    'sampler.json: a sampler of 2 evaluations',
    '  model     digits: images of 1 × 32 × 32, σ from 80 to 0.002',
    '  schedule  type polynomial, rho 7',
    '  student   solver ipndm, max_order 2, num_steps 3, afs false, denoise_to_zero false',
  ]);
  expect(lines.find((line) => line.startsWith('  x1'))).toMatch(
    /^ {2}x1 {6}= 2\.515 z \+ 0\.9686 D0 +2\.515 +0\.0000$/,
  );
  const file = JSON.parse(await readFile(join(dir, 'sampler.json'), 'utf8'));
  await writeFile(
    join(dir, 'other.json'),
    JSON.stringify({ ...file, model: { ...file.model, latents: true } }),
  );
  const other = await command('sample', '--sampler', 'other.json', '--seeds', '0', '--outdir', 'none');
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringMatching(/E_SAMPLER the sampler was made for latents, and .* denoises images/),
  ]);
  const thresholded = ['--set', 'student={ solver: dpmpp, num_steps: 3 }', '--set', 'student.max_order=null'];
  const bent = await command('samplers', 'compile', 'spec.yaml', '-o', 'bent.json', ...thresholded);
  expect([bent.code, bent.stderr]).toEqual([2, expect.stringMatching(/^E_SOLVER only what is linear/m)]);
  const unfitted = ['--set', 'student={ solver: table, num_steps: 3 }', '--set', 'train=null'];
  const early = await command('samplers', 'compile', 'spec.yaml', '-o', 'early.json', ...unfitted);
  expect([early.code, early.stderr]).toEqual([
    2,
    expect.stringMatching(/^E_SAMPLER no table can be made: its numbers are not fitted yet/m),
  ]);
});
