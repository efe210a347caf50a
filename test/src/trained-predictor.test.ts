import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

const digits = join(root, 'experiments/digits/digits-edm.pkl');
const official = join(root, 'packages/models/fixtures/official-predictor.pkl');

const trains = `name: trains
dataset: { checkpoint: ${digits} }
schedule: { type: polynomial, rho: 7 }
student: { solver: ipndm, max_order: 3, num_steps: 3, afs: true, scale_time: 0.2 }
train: { total_kimg: 0.008, batch: 8 }
sample: { seeds: 0-3, grid: 2x2 }
`;

const uses = (file: string, more = '') => `name: uses
dataset: { checkpoint: ${digits} }
predictor: ${file}
sample: { seeds: 0-3, grid: 2x2 }
${more}`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(trains);
  await writeFile(join(dir, 'uses.yaml'), uses('results/trains/ipndm/predictor.safetensors'));
  await writeFile(join(dir, 'official.yaml'), uses(official).replace('name: uses', 'name: official'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep([...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
};

describe('a predictor from a run to another', () => {
  it('says with its file alone how to sample with it, to the same task', async () => {
    const trained = await json('run', 'spec.yaml');
    const [{ artifacts }] = trained.points;
    expect(artifacts.predictor).toBe('results/trains/ipndm/predictor.safetensors');
    const used = await json('run', 'uses.yaml');
    expect(used.tasks.computed).toBe(0);
    expect(used.points[0].nfe).toBe(3);
    expect(used.points[0].artifacts).toMatchObject({
      samples: artifacts.samples,
      predictor: join(dir, artifacts.predictor),
    });
  });

  it('counts by its content, not by its name', async () => {
    const file = join(dir, 'results/trains/ipndm/predictor.safetensors');
    await copyFile(file, join(dir, 'renamed.bin'));
    const toCompute = async () =>
      (await json('plan', 'uses.yaml', '--set', 'predictor=renamed.bin')).toCompute;
    expect(await toCompute()).toBe(0);
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1; // a weight, by a factor of four
    await writeFile(join(dir, 'renamed.bin'), bytes);
    expect(await toCompute()).toBeGreaterThan(0);
  });
});

describe('what a predictor decides without a network', () => {
  it('is shown as lists, of the noise of its data or of others', async () => {
    const show = async (...args: string[]) => {
      const { code, stdout, stderr } = await fewstep(['predictors', 'show', official, '--json', ...args], {
        cwd: dir,
      });
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const own = await show();
    expect(own).toMatchObject({
      trained_on: 'digits',
      settings: { schedule: { type: 'time_uniform', rho: 1 }, student: { solver: 'amed', num_steps: 4 } },
      noise: { sigma_min: 0.002, sigma_max: 80, from: 'digits' },
      scale_times: Array(7).fill(1),
    });
    expect(own).not.toHaveProperty('timesteps');
    expect([own.sigmas[0], own.sigmas[6], own.r.length]).toEqual([80, 0.002, 3]);
    own.r.forEach((r: number, k: number) => {
      const [from, middle, to] = own.sigmas.slice(2 * k, 2 * k + 3).map(Math.log);
      expect(middle).toBeCloseTo(from + r * (to - from), 12);
    });
    const elsewhere = await show('--dataset', 'ms_coco', '--sigma-min', '0.0292');
    expect([elsewhere.noise.sigma_min, elsewhere.noise.sigma_max]).toEqual([0.0292, 14.614641489691584]);
    expect([elsewhere.timesteps[0], elsewhere.timesteps[6]]).toEqual([999, 0]);
    const { code, stdout } = await fewstep(['predictors', 'show', 'trains'], { cwd: dir });
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /ipndm\/predictor\.safetensors: (?:.|\n)*teacher +solver ipndm(?:.|\n)*σ from 80 to 0\.002, of its training/,
      ),
    ]);
    const missing = await fewstep(['predictors', 'show', '27'], { cwd: dir });
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/^E_PREDICTOR no folder .* number 27/),
    ]);
  });
});

describe('a predictor of the official training', () => {
  it('runs, plans, validates and samples', async () => {
    expect(await json('validate', 'official.yaml')).toMatchObject({
      points: [{ label: expect.any(String) }],
      problems: [],
    });
    const { tasks } = await json('plan', 'official.yaml');
    expect(tasks.map(({ kind }: { kind: string }) => kind)).toEqual([
      'denoiser',
      'samples',
      'picture',
      'comparison',
    ]);
    const { points } = await json('run', 'official.yaml');
    expect(points).toMatchObject([{ label: 'amed', nfe: 5, artifacts: { predictor: official } }]);
    const { points: sampled } = await json('sample', 'official.yaml', '--outdir', 'images');
    expect(sampled).toEqual([{ label: 'amed', folder: 'images', images: 4 }]);
  });

  it('is refused where the spec says otherwise, with the place', async () => {
    await writeFile(join(dir, 'other.yaml'), uses(official, 'student: { num_steps: 6 }'));
    const { code, stderr } = await fewstep(['run', 'other.yaml'], { cwd: dir });
    expect([code, stderr.split(':').slice(0, 3).join(':')]).toEqual([
      2,
      'other.yaml:5:23 E_SPEC student.num_steps',
    ]);
    expect(stderr).toContain('trained with 4');
    await writeFile(join(dir, 'missing.yaml'), uses('missing.pkl'));
    const missing = await fewstep(['sample', 'missing.yaml', '--outdir', 'images'], { cwd: dir });
    expect([missing.code, missing.stderr]).toEqual([
      2,
      'missing.yaml:3:12 E_SPEC predictor: there is no missing.pkl; the path is relative to the spec.\n',
    ]);
  });
});
