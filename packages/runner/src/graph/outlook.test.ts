import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@fewstep/taskgraph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { filesOf } from '../files-of.js';
import { installedVersions } from '../versions.js';
import { boxesOf, reduced } from './boxes.js';
import { outlook } from './outlook.js';

/** Two trainings at each of three learning rates: teachers are by timestamps. */
const text = `name: grid
dataset: digits
schedule: { type: polynomial }
student: { solver: amed }
train: { total_kimg: 0.5, batch: 50 }
sample: { seeds: 0-255, batch: 16 }
grid:
  train.lr: [0.001, 0.002, 0.004]
  student.num_steps: [3, 4]
`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-outlook-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const experimentOf = () => parseExperiment(text, 'a.yaml', { cwd: dir, models: dir });
const versions = installedVersions();

it('says by kind what points share', async () => {
  const store = await openStore(join(dir, 'none'), { filesOf });
  const { kinds } = await outlook(await experimentOf(), { store, versions });
  const told = kinds.map(({ kind, tasks, unshared, toCompute }) => [kind, tasks, unshared, toCompute]);
  expect(told).toEqual([
    ['denoiser', 1, 6, 1],
    // 500 images in shards of 64, of each number of timestamps
    ['teacher', 16, 48, 16],
    ['predictor', 6, 6, 6],
    ['samples', 24, 24, 24],
    ['picture', 6, 6, 6],
    ['comparison', 1, 1, 1],
  ]);
  const teacher = kinds.find(({ kind }) => kind === 'teacher')!;
  // (M + 1) heun steps of two evaluations in 2 and in 3 intervals
  expect(teacher.evaluations).toBe(500 * 2 * 2 * (2 + 3));
  // nothing like it was ever computed
  expect(kinds.map(({ seconds, bytes }) => [seconds, bytes])).toEqual(
    kinds.map(() => [undefined, undefined]),
  );
});

it('draws a box for each thing, or one for a kind of which there is more, and no way twice', async () => {
  const store = await openStore(join(dir, 'none'), { filesOf });
  const planned = await outlook(await experimentOf(), { store, versions });
  const all = boxesOf(planned);
  expect(all.boxes.filter(({ kind }) => kind === 'predictor').map(({ id, tasks }) => [id, tasks])).toEqual(
    [1, 2, 3, 4, 5, 6].map((n) => [`predictor-${n}`, 1]),
  );
  expect(all.edges).toContainEqual(['denoiser', 'predictor-1']);
  const few = reduced(boxesOf(planned, 2));
  expect(few.boxes.map(({ id, title }) => [id, title])).toEqual([
    ['denoiser', expect.stringMatching(/^denoiser from .*digits-edm\.pkl$/)],
    ['teacher-1', 'teacher heun'],
    ['predictor', 'all 6 of this kind'],
    ['samples', 'all 6 of this kind'],
    ['picture', 'all 6 of this kind'],
    ['teacher-2', 'teacher heun (numSteps 4)'],
    ['comparison', 'comparison'],
  ]);
  expect(few.edges).toEqual([
    ['denoiser', 'teacher-1'],
    ['denoiser', 'teacher-2'],
    ['teacher-1', 'predictor'],
    ['teacher-2', 'predictor'],
    ['predictor', 'samples'],
    ['samples', 'picture'],
    ['picture', 'comparison'],
  ]);
});
