import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rmse, rmseOf } from '@fewstep/metrics';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { writeImages } from './artifacts.js';
import { run } from './rmse.js';

const read = vi.hoisted(() => [] as string[]);
vi.mock('node:fs', async (original) => {
  const fs = (await original()) as typeof import('node:fs');
  return {
    ...fs,
    readFileSync: ((path: string) => {
      read.push(path);
      return fs.readFileSync(path);
    }) as typeof fs.readFileSync,
  };
});

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-rmse-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** Images of one pixel, in shards of these sizes. */
async function shards(values: readonly number[], sizes: readonly number[]): Promise<string[]> {
  const paths: string[] = [];
  let at = 0;
  for (const n of sizes) {
    const shard = await mkdtemp(join(dir, 'shard-'));
    const data = Uint8Array.from(values.slice(at, (at += n)));
    paths.push(join(shard, await writeImages(shard, { data, n, channels: 1, height: 1, width: 1 })));
  }
  return paths;
}
const score = async (images: string[], reference: string[]) => {
  const given = { params: {}, hints: {}, digests: {}, device: null, dir, progress: () => {} };
  await run({ ...given, inputs: { images, reference } });
  return JSON.parse(await readFile(join(dir, 'value.json'), 'utf8'));
};

it('is that of the whole sets, however they are cut, and holds a shard of each', async () => {
  const [a, b] = [
    [0, 10, 255, 7, 90, 31],
    [2, 10, 250, 9, 80, 30],
  ];
  const [images, reference] = [await shards(a!, [1, 3, 2]), await shards(b!, [2, 2, 2])];
  const [ours, theirs] = [Uint8Array.from(a!), Uint8Array.from(b!)];
  expect(await score(images, reference)).toEqual({
    rmse_to_teacher: rmse(ours, theirs),
    rmse_to_teacher_se: rmseOf([[ours, theirs, 1]]).standardError,
  });
  const order = read.filter((path) => path.includes(dir));
  expect(order).toEqual([images[0], reference[0], images[1], reference[1], images[2], reference[2]]);
});

it('has no standard error of one image', async () => {
  expect(await score(await shards([5], [1]), await shards([2], [1]))).toEqual({ rmse_to_teacher: 3 });
});

it('refuses sets of other lengths', async () => {
  const [images, reference] = [await shards([1, 2, 3], [2, 1]), await shards([1, 2], [2])];
  await expect(score(images, reference)).rejects.toMatchObject({ code: 'E_IMAGES' });
});
