import { expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { overTrainings } from './trainings.js';

async function trained(grid: string, fids: readonly (number | undefined)[]) {
  const text = `name: test
dataset: digits
schedule: { type: polynomial }
student: { num_steps: 4 }
evaluate: [fid]
grid: ${grid}
`;
  const { points } = await parseExperiment(text, 'a.yaml', { cwd: '/home/me', models: '/models' });
  return overTrainings(
    points.map((point, i) => ({
      point,
      label: point.label,
      metrics: fids[i] === undefined ? ({} as Record<string, number>) : { fid: fids[i]!, fid_se: 7 },
    })),
  );
}

it('puts trainings together that differ in their seed alone', async () => {
  const grid = '{ student.solver: [amed, ipndm], train.seed: [0, 1, 2] }';
  expect(await trained(grid, [1, 2, 6, 5, 5, undefined])).toEqual([
    {
      label: 'amed',
      points: ['amed, seed 0', 'amed, seed 1', 'amed, seed 2'],
      seeds: [0, 1, 2],
      metrics: { fid: 3, fid_se: Math.sqrt((4 + 1 + 9) / 6) }, // and none of the images’
    },
  ]);
});

it('names points without anything in common from the first to the last', async () => {
  const points =
    '{ points: [{ label: one, train.seed: 4 }, { label: two, train.seed: 3 }], student.solver: [amed] }';
  const labelled = points
    .replace(', student.solver: [amed]', '')
    .replaceAll('train.seed', 'student.solver: amed, train.seed');
  expect(await trained(labelled, [1, 3])).toMatchObject([
    { label: 'one … two', seeds: [4, 3], metrics: { fid: 2 } },
  ]);
});

it('finds none among points that differ in more, or train nothing', async () => {
  const points = `{ points: [
    { student.solver: amed, train.seed: 1 },
    { student.solver: amed, train: { seed: 2, lr: 0.1 } },
    { student.solver: euler, train: false, sample.seeds: 0-9 },
    { student.solver: euler, train: false, sample.seeds: 10-19 }] }`;
  expect(await trained(points, [1, 2, 3, 4])).toEqual([]);
});
