import { expect, it } from 'vitest';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

/** Line 5 is what is scored, 6 the images. */
const spec = (evaluate: string, sample: string, more = '') => `name: test
dataset: digits
schedule: { type: polynomial }
student: { solver: euler, num_steps: 4 }
evaluate: ${evaluate}
sample: ${sample}
train: false
${more}`;

const parse = (text: string, set: readonly string[] = [], unscored = false) =>
  parseExperiment(text, 'a.yaml', { cwd: '/home/me', models: '/models', set, unscored });

async function problems(text: string, set: readonly string[] = []): Promise<string[]> {
  try {
    await parse(text, set);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ message }) => message.replace(/^a\.yaml:/, '').replace('E_SPEC ', ''));
  }
  return [];
}

const covariance = 'fid takes 2 images at least, for a covariance, and';
const leaveOut = 'ask for more seeds, or leave fid out of evaluate.';

it.each<[string, string, string[], string[]]>([
  [
    'in the spec',
    spec('[fid]', '{ seeds: 7 }'),
    [],
    [`6:18 sample.seeds: ${covariance} the seeds are 1: ${leaveOut}`],
  ],
  [
    'by --set',
    spec('[fid]', '{ seeds: 0-1 }'),
    ['sample.seeds=7'],
    [`--set sample.seeds=7 sample.seeds: ${covariance} the seeds are 1: ${leaveOut}`],
  ],
  [
    'in the grid',
    spec('[fid]', '{ batch: 4 }', 'grid: { sample.seeds: [0-7, 7] }'),
    [],
    [`8:29 sample.seeds: ${covariance} the seeds are 1: ${leaveOut}`],
  ],
  [
    'where another score is asked for',
    spec('[rmse_to_teacher]', '{ seeds: 7 }'),
    ['evaluate=[kid, rmse_to_teacher]'],
    [
      '--set evaluate=[kid, rmse_to_teacher] evaluate: kid takes 2 images at least, for a pair, and the seeds are 1: ask for more seeds, or leave kid out of evaluate.',
    ],
  ],
  [
    'in a block',
    spec('[prdc]', '{ seeds: 0-9, repeats: 2 }'),
    [],
    [
      '6:18 sample.seeds: prdc takes 6 images at least, for a neighbour number 5, and a block of the seeds has 5: ask for more seeds, or leave prdc out of evaluate.',
    ],
  ],
])('refuses too few images for a score: %s', async (_, text, set, expected) => {
  expect(await problems(text, set)).toEqual(expected);
});

it.each(['[fid, kid]', '[prdc]', '[psnr_to_teacher]'])(
  'takes as few images as %s can be of',
  async (evaluate) => {
    const least = { '[fid, kid]': 2, '[prdc]': 6 }[evaluate] ?? 1;
    expect(await problems(spec(evaluate, `{ seeds: 0-${least - 1} }`))).toEqual([]);
    expect(await problems(spec(evaluate, `{ seeds: 0-${3 * least - 1}, repeats: 3 }`))).toEqual([]);
  },
);

it.each([
  [
    '{ seeds: 0-99, repeats: 3 }',
    '6:18 sample.seeds: the seeds are 100, which makes no 3 blocks of equal size: ask for 99 or 102 of them, or for other repeats.',
  ],
  [
    '{ repeats: 65 }',
    '6:20 sample.repeats: the seeds are 64, which makes no 65 blocks of equal size: ask for 65 of them, or for other repeats.',
  ],
  ['{ tuned_on: 9-0 }', expect.stringMatching(/^6:21 sample\.tuned_on: .*9-0/)],
])('refuses %s', async (sample, problem) => {
  expect(await problems(spec('[fid]', sample))).toEqual([problem]);
});

it('says that nothing reads keys of scores where there are none', async () => {
  expect(await problems(spec('[]', '{ repeats: 2, tuned_on: 3 }'))).toEqual([
    '6:11 sample.repeats: nothing reads it: only scores do, and evaluate asks for none. Remove it.',
    '6:23 sample.tuned_on: nothing reads it: only scores do, and evaluate asks for none. Remove it.',
  ]);
});

it('asks nothing of seeds that are drawn alone, and makes no blocks of them', async () => {
  const { points } = await parse(
    spec('[fid]', '{ seeds: 0-9, repeats: 5, tuned_on: 3 }'),
    ['sample.seeds=7'],
    true,
  );
  expect(points[0]).toMatchObject({ seeds: [[7, 7]], repeats: 1, tunedOn: [[3, 3]] });
});
