import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Execution, Store, Task } from '@fewstep/taskgraph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { compile } from '../graph/compile.js';
import { formatSampler } from '../sampler/sampler-file.js';
import { detailsOf } from './point-details.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'fewstep-details-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const sigmas = [80, 10, 1];
const info = { channels: 1, resolution: 2, labelDim: 0, sigmaMin: 1, sigmaMax: 80 };

/** Of a spec's only point, where tasks left these files, by their kinds and outputs. */
async function details(told: string, left: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const text = `name: test\ndataset: { checkpoint: a.pkl, sigma_min: 1, sigma_max: 80 }\n${told}\n`;
  const { points } = compile(await parseExperiment(text, join(cwd, 'a.yaml'), { cwd, models: 'models' }));
  const [planned] = points;
  const [model] = planned!.samples.inputs.info!.flatMap((ref) => ('task' in ref ? [ref.task] : []));
  const { predictor, fit, paths } = planned!;
  const records = new Map<Task, unknown>();
  for (const task of [model, predictor, fit?.sampler, paths]) {
    const outputs = task && left[task.kind.name];
    if (!outputs) continue;
    const files = Object.entries(outputs).map(async ([name, content]) => {
      const path = join(cwd, `${task.kind.name}-${name}`);
      await writeFile(path, content);
      return [name, { digest: path }];
    });
    records.set(task, { outputs: Object.fromEntries(await Promise.all(files)) });
  }
  const store = { blob: async ({ digest }: { digest: string }) => digest } as unknown as Store;
  return detailsOf(planned!, { execution: { records } as unknown as Execution, store });
}

const explicit = `schedule: { type: explicit, sigmas: [${sigmas}] }`;
const denoiser = { info: JSON.stringify(info) };

it('has a plain method as a table: its noise levels, and what it makes of noise and answers', async () => {
  const euler = `${explicit}\nstudent: { solver: euler, num_steps: 3 }\ntrain: false`;
  const { table, ...others } = await details(euler, { denoiser });
  expect(others).toEqual({});
  expect(table!.sigmas).toEqual([80, 10]);
  // x₁ = x₀ + (σ₁ − σ₀)(x₀ − D₀)/σ₀, of x₀ = 80 z
  const expected = [[80], [10, 7 / 8], [1, 7 / 80, 9 / 10]];
  for (const [k, row] of expected.entries())
    for (const [j, entry] of row.entries()) expect(table!.rows[k]![j]).toBeCloseTo(entry, 12);
  expect(await details(euler, {})).toEqual({});
});

it.each([
  ['thresholds, which is not linear', 'solver: dpmpp, num_steps: 3, predict_x0: true'],
  ['has more evaluations than a picture shows', 'solver: heun, num_steps: 40'],
])('has no table of what %s', async (_, student) => {
  const schedule = student.includes('40') ? 'schedule: { type: polynomial }' : explicit;
  const spec = `${schedule}\nstudent: { ${student} }\ntrain: false`;
  expect(await details(spec, { denoiser: { info: JSON.stringify(info) } })).toEqual({});
});

it('has how a predictor was trained, and no table of one that decides for each sample', async () => {
  const trained = `${explicit}\nstudent: { solver: amed, num_steps: 3 }\ntrain: { total_kimg: 0.016, batch: 8, validation: 4 }`;
  const line = { calls: 40, loss: 3, validation_loss: 2, intervals: [] };
  const { curves, ...others } = await details(trained, {
    denoiser,
    predictor: { stats: JSON.stringify(line) },
  });
  expect(curves).toEqual({
    ...{ x: [40], loss: [3], validation: [2], outputs: [] },
    validationSeeds: '3221225472-3221225475',
  });
  expect(others).toEqual({});
});

it('has the table that was fitted, and its rounds', async () => {
  const table = {
    sigmas: [80],
    rows: [[80], [0.5, 0.25, 0.125, 0.75]],
    bands: { shape: [1, 2, 2] as const, edges: [0.4] },
  };
  const sampler = formatSampler({
    table,
    model: { shape: [1, 2, 2], sigma_min: 1, sigma_max: 80, latents: false },
    schedule: { type: 'explicit', sigmas },
    student: { solver: 'euler', num_steps: 3 },
  });
  const fitted = `${explicit}\nstudent: { solver: table, num_steps: 3 }`;
  const found = await details(fitted, {
    sampler: { sampler, log: '{"round":1,"train":0.3,"validation":0.4,"damping":null,"calls":100}\n' },
  });
  expect(found.table).toEqual({ sigmas: table.sigmas, rows: table.rows, bands: 2 });
  expect(found.curves).toMatchObject({ x: [100], loss: [0.3], validationSeeds: '3221225472-3221225599' });
});

it('has the ways of its samples, and how far they are from the teacher', async () => {
  const spec = `${explicit}\nstudent: { solver: euler, num_steps: 3 }\ntrain: false\nsample: { paths: 2 }`;
  const [path, intervals] = [
    { seeds: [0, 1], explained: [1, 0, 0] },
    { sigma: [80], rmse: [0], se: [0] },
  ];
  const found = await details(spec, { paths: { paths: JSON.stringify({ ...path, intervals }) } });
  expect(found).toEqual({ paths: path, intervals });
});
