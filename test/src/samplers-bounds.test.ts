import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

/** One evaluation of a network of 16 × 16 pixels in colour. */
const sampler = {
  ...{ format: 'fewstep-sampler', version: 1, nfe: 1, depth: 1 },
  table: { sigmas: [40], rows: [[80], [0.01, 0.95]] },
  model: { shape: [3, 16, 16], sigma_min: 0.002, sigma_max: 80, latents: false },
  schedule: { type: 'polynomial', rho: 7 },
  student: { solver: 'euler', num_steps: 2 },
};
const dataset = `dataset.checkpoint=${join(root, 'packages/models/fixtures/edm-adm-cond.pkl')}`;
const teacher = 'reference={ solver: euler, num_steps: 3 }';

let dir: string;
beforeAll(async () => {
  dir = await workspace();
  await writeFile(join(dir, 'sampler.json'), JSON.stringify(sampler));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const bounds = (...more: string[]) =>
  fewstep(['samplers', 'bounds', 'sampler.json', '--set', dataset, '--set', teacher, ...more], { cwd: dir });

it('says how much nearer to its teacher a sampler comes at best, and computes that once', async () => {
  const first = await bounds('--seeds', '0,2');
  expect(first.code, first.stderr).toBe(0);
  const said = first.stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
  const percents = said.map((cells) => cells.at(-1)).filter((cell) => /^-?[\d.]+ %$/.test(cell!));
  expect(percents).toHaveLength(4 + 3);

  const second = await bounds('--seeds', '0,2', '--json');
  const { per_sample, last_row_by_band, tasks, ...about } = JSON.parse(second.stdout);
  expect(tasks).toMatchObject({ computed: 0 });
  expect(about).toMatchObject({
    ...{ sampler: 'sampler.json', nfe: 1, seeds: '0,2', images: 2, unit: '8-bit' },
    teacher: { solver: 'euler', num_steps: 3, schedule: { type: 'polynomial', rho: 7 } },
  });
  expect(per_sample.map(({ steered, parameters }: never) => [steered, parameters])).toEqual([
    ['nothing', 0],
    ['last row', 2],
    ['sigmas', 1],
    ['row 0', 1],
    ['all', 4],
  ]);
  const [nothing, ...others] = per_sample;
  const all = others.at(-1);
  for (const { steered, rmse, rmse_se, taken_off, calls } of others) {
    expect(rmse).toBeLessThan(nothing.rmse);
    expect(rmse).toBeGreaterThanOrEqual(all.rmse);
    expect(taken_off).toBeCloseTo(1 - rmse / nothing.rmse, 12);
    expect(rmse_se).toBeGreaterThan(0);
    // the last row is of answers that are known
    expect(calls > 0).toBe(steered !== 'last row');
  }
  expect(last_row_by_band).toMatchObject({ learned_of: 1, told_of: 1 });
  expect(last_row_by_band.rows.map(({ parameters }: never) => parameters)).toEqual([0, 2, 4, 8]);
  // the numbers of the table for people
  const shown = [...others, ...last_row_by_band.rows.slice(1)];
  expect(percents).toEqual(shown.map(({ taken_off }) => `${(100 * taken_off).toFixed(1)} %`));
});

it.each([
  [['--seeds', '7'], /E_SEEDS one image is too few/],
  [['--set', 'reference.num_steps=1'], /--set reference\.num_steps=1 E_SPEC/],
])('refuses %s', async (more, message) => {
  const { code, stderr } = await bounds(...more);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
});
