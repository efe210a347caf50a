import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics/images';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeImages } from '../tasks/artifacts.js';
import { imageFilesOf, rowsOfSameSeeds } from './compared-images.js';
import type { PointReport } from './report.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-rows-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A blob of images of 1 × 1, each the grey of its seed and one more. */
async function blob(seeds: readonly number[], more: number): Promise<string> {
  const folder = join(dir, 'blobs');
  await mkdir(folder, { recursive: true });
  const data = Uint8Array.from(seeds, (seed) => 10 * seed + more);
  await writeImages(folder, { data, n: seeds.length, channels: 1, height: 1, width: 1 });
  const name = `${more}${seeds.join('')}`.padEnd(64, '0');
  await rename(join(folder, 'images.safetensors'), join(folder, name));
  return join('blobs', name); // as a report beside them has it
}

const point = (seeds: string, samples: readonly string[]) =>
  ({ protocol: { seeds }, artifacts: { samples } }) as unknown as PointReport;

it('has rows of the seeds that all have, whatever their shards', async () => {
  const first = await imageFilesOf(dir, point('2-5', [await blob([2, 3], 0), await blob([4, 5], 0)]));
  expect(first.map(({ seeds }) => seeds)).toEqual([
    [2, 3],
    [4, 5],
  ]);
  const second = await imageFilesOf(dir, point('7,5,3', [await blob([7, 5, 3], 1)]));
  const rows = await rowsOfSameSeeds([first, second]);
  expect(rows!.seeds).toEqual([3, 5]);
  const { data, channels } = await decodeImage(rows!.png, 'rows');
  expect([...data.subarray(0, data.length / channels)]).toEqual([30, 50, 31, 51]);
  expect(await rowsOfSameSeeds([first, [{ path: '', seeds: [9] }]])).toBeUndefined();
});

it('reads no file that is none of a store', async () => {
  expect(await imageFilesOf(dir, point('0-3', ['/etc/passwd', '../x']))).toEqual([]);
  expect(await imageFilesOf(dir, point('0-3', [`/nowhere/${'0'.repeat(64)}`]))).toEqual([]);
});
