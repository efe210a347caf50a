import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Image } from '@fewstep/metrics';
import { decodeImage } from '@fewstep/metrics/images';
import { readNpz } from '@fewstep/metrics/npz';
import { readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

/** Bounds of the golden README for images, before and after they are bytes. */
const tolerance = 2e-3;
const mostBytesApart = 1;
const golden = join(root, 'test/fixtures/golden/official-predictors');
const seeds = [0, 1, 2, 3, 4];
const size = 32 * 32;

/** Of a sampler of its own, which a predictor takes the place of. */
const spec = `name: other
dataset: digits
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: { total_kimg: 1 }
sample: { seeds: 0-4 }
grid: { student.num_steps: [3, 4] }
`;

let dir: string;
let official: ReturnType<typeof readSafetensors>;
beforeAll(async () => {
  dir = await workspace(spec);
  const place = async (from: string, to: string) => {
    await mkdir(dirname(join(dir, to)), { recursive: true });
    await copyFile(from, join(dir, to));
  };
  await place(join(golden, 'amed-5.pkl'), 'exps/00000-digits-4-5/network-snapshot-000010.pkl');
  await writeFile(join(dir, 'exps/00000-digits-4-5/network-snapshot-000009.pkl'), 'an earlier one');
  const saved = join(root, 'packages/models/fixtures/official-predictor.pt');
  await place(saved, 'exp/00027-digits-4-5/network-snapshot-000005.pt');
  official = readSafetensors(await readFile(join(golden, 'amed-5.safetensors')));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const sample = async (...args: string[]) => {
  const env = { FEWSTEP_MODELS: join(root, 'experiments') };
  const { code, stdout, stderr } = await fewstep(['sample', ...args, '--json'], { cwd: dir, env });
  expect(code, stderr).toBe(0);
  const { points, tasks } = experimentJson(stdout);
  return { ...points[0], computed: tasks.computed };
};
const png = async (...path: string[]): Promise<Image> =>
  decodeImage(await readFile(join(dir, ...path)), path.join('/'));
const bytesOf = (folder: string) =>
  Promise.all(seeds.map((seed) => readFile(join(dir, folder, `00000${seed}.png`))));

/** The furthest that values lie from the official ones, as the golden README measures it. */
const furthest = (found: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  Math.max(...Array.from(found, (value, i) => Math.abs(value - wanted[i]!) / (1 + Math.abs(wanted[i]!))));

it('a number alone gives the official images, and what they go through', async () => {
  const args = ['--predictor', '0', '--seeds', '0-4', '--batch', '1', '--return-inters'];
  expect(await sample(...args)).toEqual({
    label: 'amed',
    folder: 'samples/digits/amed_nfe5',
    images: 5,
    inters: {
      file: 'samples/digits/amed_nfe5/inters/inters.npz',
      picture: 'samples/digits/amed_nfe5/inters/inters.png',
    },
    computed: 6, // the denoiser, two shards of samples and of states, their picture
  });
  const bytes = official.images_uint8!.data as Uint8Array;
  for (const seed of seeds) {
    const { data } = await png('samples/digits/amed_nfe5', `00000${seed}.png`);
    const apart = data.map((value, i) => Math.abs(value - bytes[seed * size + i]!));
    expect(Math.max(...apart)).toBeLessThanOrEqual(mostBytesApart);
  }
  const {
    sigmas,
    inters,
    seeds: told,
  } = await readNpz(join(dir, 'samples/digits/amed_nfe5/inters/inters.npz'));
  expect([...told!.data]).toEqual(seeds);
  expect([inters!.dtype, inters!.shape, sigmas!.shape]).toEqual(['float32', [4, 5, 1, 32, 32], [4]]);
  const states = inters!.data as Float32Array;
  const times = sigmas!.data as Float64Array;
  const start = (official.latents!.data as Float32Array).map((value) => value * times[0]!);
  expect(furthest(states.subarray(0, 5 * size), start)).toBeLessThan(1e-5);
  expect(furthest(states.subarray(15 * size), official.images!.data as Float32Array)).toBeLessThan(tolerance);
  // seed 4, which is of the second shard, in between: noise of the level that is told, and the image
  const state = states.subarray(9 * size, 10 * size);
  const image = (official.images!.data as Float32Array).subarray(4 * size, 5 * size);
  const noise = Math.sqrt(state.reduce((sum, value, i) => sum + (value - image[i]!) ** 2, 0) / size);
  expect(noise / times[1]!).toBeGreaterThan(0.9);
  expect(noise / times[1]!).toBeLessThan(1.1);
  // a row for each image, a column for each timestep, the last of which is the image
  const picture = await png('samples/digits/amed_nfe5/inters/inters.png');
  expect([picture.height, picture.width]).toEqual([5 * 32, 4 * 32]);
  const corner = (5 * 32 - 1) * picture.width + picture.width - 16;
  const last = await png('samples/digits/amed_nfe5/000004.png');
  expect(picture.data.subarray(corner, corner + 16)).toEqual(last.data.subarray(size - 16));
});

it('a .pt, a number of another folder, and a spec with its place taken give the same bytes', async () => {
  const bytes = await bytesOf('samples/digits/amed_nfe5');
  const saved = 'exp/00027-digits-4-5/network-snapshot-000005.pt';
  await sample('--predictor', saved, '--seeds', '0-4', '--outdir', 'saved');
  expect(await bytesOf('saved')).toEqual(bytes);
  const pickled = 'exps/00000-digits-4-5/network-snapshot-000010.pkl';
  const steered = ['spec.yaml', '--predictor', pickled, '--batch', '1'];
  // the same tasks, whose keys know nothing of states
  expect(await sample(...steered)).toEqual({
    label: 'amed',
    folder: 'samples/other',
    images: 5,
    computed: 0,
  });
  expect(await bytesOf('samples/other')).toEqual(bytes);
  // two in a row and no gaps, as officially of five
  expect(await sample('--predictor', '27', '--seeds', '0-4', '--grid')).toMatchObject({
    grid: 'samples/grids/digits/amed_nfe5/grid.png',
    images: 5,
    computed: 0,
  });
  const grid = await png('samples/grids/digits/amed_nfe5/grid.png');
  expect([grid.height, grid.width]).toEqual([96, 64]);
  const third = (await png('samples/digits/amed_nfe5/000003.png')).data;
  const row = (32 + 10) * grid.width + 32;
  expect(grid.data.subarray(row, row + 32)).toEqual(third.subarray(10 * 32, 11 * 32));
});
