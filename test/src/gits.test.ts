import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsMetadata } from '@fewstep/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

let dir: string;
beforeAll(async () => {
  dir = await workspace(`name: searched
dataset: { checkpoint: ${tiny} }
schedule: { type: gits, num_warmup: 6, num_steps_tea: 9 }
student: { solver: euler, num_steps: 4 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
grid:
  points:
    - label: l1
    - { label: dev, schedule.metric: dev, schedule.coeff: 1.15 }
    - { label: afs, student.afs: true }
    - { label: amed, student.solver: amed, student.num_steps: 3, train: { total_kimg: 0.008, batch: 8 } }
`);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep([...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
};

it('searches each schedule once, over costs that all searches share, and never again', async () => {
  const kinds = async (...args: string[]) => {
    const { tasks } = await json('plan', 'spec.yaml', ...args);
    const toCompute = tasks.filter(({ found }: { found: boolean }) => !found);
    return (kind: string) => toCompute.filter((task: { kind: string }) => task.kind === kind).length;
  };
  const first = await kinds();
  expect([first('step-costs'), first('gits'), first('teacher'), first('samples')]).toEqual([1, 4, 1, 4]);

  const { points } = await json('run', 'spec.yaml');
  expect(points.map(({ nfe }: { nfe: number }) => nfe)).toEqual([3, 3, 2, 4]);
  for (const { sigmas, artifacts } of points) {
    expect([sigmas[0], sigmas.at(-1)]).toEqual([80, 0.002]);
    const file = JSON.parse(await readFile(join(dir, artifacts.schedule), 'utf8'));
    expect(file.sigmas).toEqual(sigmas);
    expect(file.indices).toHaveLength(sigmas.length);
  }
  const [l1, dev, , amed] = points;
  expect([l1.sigmas.length, amed.sigmas.length]).toEqual([4, 3]);
  expect(l1.sigmas).not.toEqual(dev.sigmas);
  // A trained predictor's file tells the levels, not the search.
  const told = readSafetensorsMetadata(await readFile(join(dir, amed.artifacts.predictor)));
  expect(JSON.parse(told.schedule!)).toEqual({ type: 'explicit', sigmas: amed.sigmas });

  const { tasks } = await json('plan', 'spec.yaml');
  expect(tasks.every(({ found }: { found: boolean }) => found)).toBe(true);
  const found = tasks.filter(({ kind }: { kind: string }) => kind === 'gits');
  expect(found.map(({ sigmas }: { sigmas: number[] }) => sigmas)).toContainEqual(dev.sigmas);
  const plan = await fewstep(['plan', 'spec.yaml'], { cwd: dir });
  expect(plan.stdout).toContain(`schedule of dev: 80 ${Number(dev.sigmas[1].toPrecision(4))} `);

  // More steps, another coefficient, more seeds, another student: the costs stay.
  const changes = ['student.num_steps=5', 'schedule.coeff=1.5', 'sample.seeds=0-7'];
  const changed = await kinds(...changes.flatMap((change) => ['--set', change]));
  expect([changed('step-costs'), changed('gits')]).toEqual([0, 4]);
  const restudied = await kinds('--set', 'student.solver=dpm');
  expect([restudied('step-costs'), restudied('gits')]).toEqual([0, 0]);
});
