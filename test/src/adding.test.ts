import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Tensor, writeSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson, jsonLines } from './command-json.js';
import { root } from './command-line.js';
import { tiny } from './small-experiment.js';

/** What docs/adding.md says of how many files a thing is, the registry included. */
const adding = [
  ['solver', 2],
  ['student', 2],
  ['generator', 2],
  ['schedule', 2],
  ['family', 4],
  ['score', 2],
] as const;
const patchOf = (what: string) => join(root, `test/adding/${what}.patch`);

/** A repository like this one, but for tests; its packages find each other. */
let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'fewstep-adding-'));
  const isTest = /\.test\.|node_modules|\.tsbuildinfo$/;
  await cp(join(root, 'packages'), join(copy, 'packages'), {
    recursive: true,
    filter: (path) => !isTest.test(relative(root, path)),
  });
  await cp(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'));
  const modules = join(copy, 'node_modules');
  await mkdir(join(modules, '@fewstep'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@fewstep') await symlink(join(root, 'node_modules', name), join(modules, name));
  for (const name of await readdir(join(copy, 'packages')))
    await symlink(join(copy, 'packages', name), join(modules, '@fewstep', name));
  for (const [what] of adding) execFileSync('git', ['apply', patchOf(what)], { cwd: copy });
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/runner'], {
    cwd: copy,
  });
}, 120_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

const spec = `name: added
dataset: { checkpoint: ${tiny} }
schedule: { type: even }
student: { solver: midpoint, num_steps: 3, at: 0.4 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
evaluate: [contrast]
grid:
  points:
    - label: plain
    - { label: steered, student: { solver: weighed, num_steps: 3, reach: 0.2 }, train: { total_kimg: 0.008, batch: 8 } }
    - { label: fitted, student: { solver: springboards, num_steps: 5, place: 0.5 }, teacher: { num_steps: 3 }, train: { images: 16, validation: 16 } }
`;

/** A network of the added family, of which a file shows neither how large its images are nor their spread. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  'stem.weight': [8, 1, 3, 3],
  'stem.bias': [8],
  'level.weight': [8, 8],
  'level.bias': [8],
  'layers.0.weight': [8, 8, 3, 3],
  'layers.0.bias': [8],
  'head.weight': [1, 8, 3, 3],
  'head.bias': [1],
};
const stack = () =>
  writeSafetensors(
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]): [string, Tensor] => {
        const data = new Float32Array(shape.reduce((a, b) => a * b)).map((_, i) => Math.sin(i) / 10);
        return [name, { dtype: 'F32', shape, data }];
      }),
    ),
  );
const stacked = `name: stacked
dataset: { checkpoint: stack.safetensors, network: { image_size: 16, sigma_data: 0.4 } }
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 0-3, grid: 2x2 }
`;

const fewstep = (...args: string[]) =>
  execFileSync(process.execPath, [join(copy, 'packages/runner/bin/fewstep.js'), ...args], {
    cwd: copy,
    encoding: 'utf8',
    stdio: 'pipe',
  });

const refused = (file: string, set: string) => {
  try {
    return fewstep('validate', file, '--set', set);
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
};

describe('what is added in as few files as the documentation says', () => {
  it.each(adding)('%s: %i', async (what, files) => {
    const patch = await readFile(patchOf(what), 'utf8');
    expect(patch.match(/^diff --git /gm)!.length).toBeLessThanOrEqual(files);
    const stated = new RegExp(`^\\|[^|]*\\b${what}\\b[^|]*\\| ${files} +\\|`, 'm');
    expect(await readFile(join(root, 'docs/adding.md'), 'utf8')).toMatch(stated);
  });

  it('a checkpoint of the family is known, exported and sampled, and its options and guidance are checked', async () => {
    await writeFile(join(copy, 'stack.safetensors'), stack());
    await writeFile(join(copy, 'stacked.yaml'), stacked);
    expect(JSON.parse(fewstep('models', 'inspect', 'stack.safetensors', '--json'))).toMatchObject({
      family: 'conv-stack',
      options: { in_channels: 1, width: 8, depth: 1 },
    });
    fewstep('models', 'export', 'stack.safetensors', '--outdir', 'exported');
    const info = JSON.parse(await readFile(join(copy, 'exported/denoiser/info.json'), 'utf8'));
    expect(info).toMatchObject({ channels: 1, resolution: 32, sigmaMax: 80 });
    const { points } = experimentJson(fewstep('run', 'stacked.yaml', '--json'));
    expect(points).toMatchObject([{ nfe: 2 }]);
    expect(fewstep('schema')).toContain('Standard deviation of a conv stack’s data.');
    expect(refused('stacked.yaml', 'dataset.network.sigma_data=-1')).toContain('expected a number above 0');
    expect(refused('stacked.yaml', 'guidance={ type: uncond }')).toContain(
      'stack.safetensors has no guidance uncond: remove guidance',
    );
  });

  it('runs, is trained and scored, and is known to schema and checks', async () => {
    await writeFile(join(copy, 'spec.yaml'), spec);
    const { points } = experimentJson(fewstep('run', 'spec.yaml', '--json'));
    for (const point of points)
      expect(point).toMatchObject({ nfe: 4, metrics: { contrast: expect.any(Number) } });
    const [iteration] = jsonLines(await readFile(join(copy, points[1].artifacts.stats), 'utf8'));
    expect(Object.keys(iteration.intervals[0].outputs)).toEqual(['place', 'weights']);
    expect(iteration.intervals[0].outputs.weights.mean).toHaveLength(2);
    const { student, train } = JSON.parse(await readFile(join(copy, points[2].artifacts.sampler), 'utf8'));
    expect(student).toMatchObject({ solver: 'springboards', num_steps: 5, place: 0.5 });
    expect(train.rmse[1]).toBeLessThan(train.rmse[0]);
    const schema = fewstep('schema');
    expect(schema).toContain('springboards (where in each interval but the first its only evaluation is)');
    expect(schema).toContain(
      'Part of an interval where its springboard begins. springboards: 0 to 1, default',
    );
    expect(schema).toContain('Where in an interval its slope is taken. midpoint: ');
    expect(schema).toContain('How far a weight may leave ½. weighed: ');
    expect(refused('spec.yaml', 'student.at=2')).toContain(
      'student.at: found 2, expected a number above 0, at most 1.',
    );
    expect(refused('spec.yaml', 'evaluate=[contrats]')).toContain('did you mean "contrast"?');
  });
});
