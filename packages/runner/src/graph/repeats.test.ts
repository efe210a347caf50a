import { isShards, needed } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { compile, rootsOf } from './compile.js';

const text = `name: test
dataset: digits
schedule: { type: polynomial }
student: { solver: euler, num_steps: 4 }
train: false
evaluate: [fid, rmse_to_teacher]
`;
const graphOf = async (sample: string) =>
  compile(
    await parseExperiment(`${text}sample: ${sample}`, 'a.yaml', { cwd: '/home/me', models: '/models' }),
  );

it('scores each block of seeds by itself, on shards that a run without repeats has, too', async () => {
  const graph = await graphOf('{ seeds: 0-29, repeats: 3 }');
  const [{ scores, repeats, picture }] = graph.points as [(typeof graph.points)[0]];
  const blocks = [[[0, 9]], [[10, 19]], [[20, 29]]];
  expect(repeats.map(({ seeds }) => seeds)).toEqual(blocks);
  expect(repeats.map(({ samples }) => samples.ranges)).toEqual(blocks);
  expect(scores.fid!.map(({ title }) => title)).toEqual(
    ['0-9', '10-19', '20-29'].map((seeds) => `fid of euler, seeds ${seeds}`),
  );
  const rangesOf = (name: string) =>
    needed(rootsOf(graph)).flatMap((node) =>
      isShards(node) && node.title.startsWith(name) ? [node.ranges] : [],
    );
  expect(rangesOf('samples of euler')).toEqual(blocks); // and no others that would be planned twice
  expect(rangesOf('features of')).toEqual(blocks);
  expect(rangesOf('samples of the reference')).toEqual(blocks);
  // 64 in the picture: of as many blocks as have them
  expect(picture.inputs.images!.map((ref) => 'shards' in ref && ref.shards)).toEqual(
    repeats.map(({ samples }) => samples),
  );

  const [alone] = (await graphOf('{ seeds: 10-19 }')).points;
  expect(alone!.samples.id).toBe(repeats[1]!.samples.id);
  expect(alone!.repeats.map(({ samples }) => samples)).toEqual([alone!.samples]);
});

it('pictures the first block alone where that has enough images', async () => {
  const [point] = (await graphOf('{ seeds: 0-199, repeats: 2, grid: 10x10 }')).points;
  expect(point!.picture.inputs.images).toMatchObject([{ shards: { ranges: [[0, 99]] }, first: 100 }]);
  const [more] = (await graphOf('{ seeds: 0-199, repeats: 2, grid: 11x10 }')).points;
  expect(more!.picture.inputs.images).toMatchObject([{}, { shards: { ranges: [[100, 199]] }, first: 10 }]);
});
