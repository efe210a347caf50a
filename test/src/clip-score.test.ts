import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { clipImages, type Image, imagePath } from '@fewstep/metrics';
import { encodePng } from '@fewstep/metrics/images';
import { type Clip, openClip, readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { stableDiffusionTold, writeTokenizer } from './public-files/tiny-models.js';
import { workspace } from './small-experiment.js';
import { clipTold, writeClip } from './tiny-clip.js';

const fixture = (name: string) => join(root, 'packages/models/fixtures', name);
const prompts = ['a red cat', 'two dogs', 'a blue car'];
const spec = `name: shown
dataset:
  checkpoint: ${fixture('sd-tiny.ckpt')}
  tokenizer: tokenizer
  network: ${JSON.stringify(stableDiffusionTold)}
  clip: clip.safetensors
  clip_network: ${JSON.stringify(clipTold)}
guidance: { type: cfg, rate: 3, prompts: prompts.txt }
schedule: { type: discrete }
student: { solver: euler, num_steps: 2 }
train: false
sample: { seeds: 1-4, batch: 1, grid: 2x2 }
evaluate: [clip_score]
`;

let dir: string;
let clip: Clip;
beforeAll(async () => {
  dir = await workspace(spec);
  writeTokenizer(join(dir, 'tokenizer'));
  await writeFile(join(dir, 'prompts.txt'), prompts.join('\n'));
  await writeClip(join(dir, 'clip.safetensors'));
  clip = await openClip(join(dir, 'clip.safetensors'), clipTold);
});
afterAll(async () => {
  await clip.close();
  await rm(dir, { recursive: true, force: true });
});

const point = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', ...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  const { points, tasks } = experimentJson(stdout);
  return { ...points[0], tasks };
};

/** The images of shards, one by one. */
async function imagesIn(shards: readonly string[]): Promise<Image[]> {
  const images: Image[] = [];
  for (const path of shards) {
    const { data, shape } = readSafetensors(await readFile(path)).images!;
    const [n, channels, height, width] = shape as [number, number, number, number];
    const size = channels * height * width;
    for (let i = 0; i < n; i++)
      images.push({ data: (data as Uint8Array).slice(i * size, (i + 1) * size), channels, height, width });
  }
  return images;
}

/** Of a run's samples, by the packages alone: 100 times each cosine with the prompt of its seed. */
async function scoresOf(shards: readonly string[], first: number): Promise<number[]> {
  const texts = await clip.embedTexts(prompts);
  const scores: number[] = [];
  for (const [i, image] of (await imagesIn(shards)).entries()) {
    const seen = await clip.embedImages(clipImages({ ...image, n: 1 }, clip.imageSize));
    const at = ((first + i) % prompts.length) * clip.dim;
    let cosine = 0;
    for (let k = 0; k < clip.dim; k++) cosine += seen[k]! * texts[at + k]!;
    scores.push(100 * cosine);
  }
  return scores;
}
const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
const variance = (values: readonly number[]) =>
  values.reduce((sum, one) => sum + (one - mean(values)) ** 2, 0) / (values.length - 1);

/** A score with a prompt of one image among them. */
const near = (scores: readonly number[]) => ({
  clip_score: expect.closeTo(mean(scores), 9),
  clip_score_se: expect.closeTo(Math.sqrt(variance(scores) / scores.length), 9),
});

it('holds each image against the prompt of its seed, in a run that grows and in files', async () => {
  const four = await point();
  const scores = await scoresOf(four.artifacts.samples, 1);
  expect(scores).toHaveLength(4);
  expect(four.metrics).toEqual(near(scores));
  // other pairs have another mean
  const shifted = await scoresOf(four.artifacts.samples, 0);
  expect(Math.abs(mean(shifted) - mean(scores))).toBeGreaterThan(1e-3);

  const six = await point('--set', 'sample.seeds=1-6');
  // a shard of samples and what the CLIP sees in it, the score, a picture and the comparison
  expect(six.tasks.computed).toBe(5);
  const all = await scoresOf(six.artifacts.samples, 1);
  expect(all.slice(0, 4)).toEqual(scores);
  expect(six.metrics.clip_score).toBeCloseTo(mean(all), 9);
  const within = [0, 1, 2].map((i) => variance([all[i]!, all[i + 3]!]));
  expect(six.metrics.clip_score_se).toBeCloseTo(Math.sqrt((2 * 3 * mean(within)) / 36), 9);

  const images = await imagesIn(six.artifacts.samples);
  for (const [i, image] of images.entries())
    for (const set of ['all', ...(i === 1 ? [] : ['gap'])]) {
      const path = join(dir, set, imagePath(1 + i, { subdirs: i % 2 === 0 }));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await encodePng(image));
    }
  const { code, stdout, stderr } = await fewstep(
    [
      ...['clip-score', 'calc', 'all', 'gap', '--num', '5', '--seed', '3', '--batch', '2', '--json'],
      ...[
        '--clip',
        'clip.safetensors',
        '--clip-network',
        JSON.stringify(clipTold),
        '--prompts',
        'prompts.txt',
      ],
    ],
    { cwd: dir },
  );
  expect(code, stderr).toBe(0);
  // in the order of names NumPy draws all but the third of them, which is of seed 5
  const drawn = all.toSpliced(4, 1);
  const gap = all.toSpliced(1, 1);
  expect(JSON.parse(stdout)).toEqual({
    clip: 'clip.safetensors',
    prompts: 'prompts.txt',
    sets: [
      { set: 'all', ...near(drawn), images: 5, of: 6, seed: 3 },
      { set: 'gap', ...near(gap), images: 5 },
    ],
  });
});
