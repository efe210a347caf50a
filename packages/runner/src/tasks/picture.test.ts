import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Images, writeImages } from './artifacts.js';
import { run } from './picture.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-picture-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function picture(groups: readonly Images[]) {
  const inputs: Record<string, string[]> = {};
  for (const [i, images] of groups.entries()) {
    const shard = await mkdtemp(join(dir, 'shard-'));
    inputs[`row-${i}`] = [join(shard, await writeImages(shard, images))];
  }
  const { files } = await run({
    params: { columns: 2, rowsPerGroup: 1 },
    hints: {},
    device: { type: 'cpu' },
    inputs,
    dir,
    progress: () => {},
  });
  return decodeImage(await readFile(join(dir, files.png!)), 'picture');
}

it('sets the first images of each group in a row', async () => {
  const size = { channels: 1, height: 1, width: 2 };
  const { data, height, width } = await picture([
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6), n: 3, ...size },
    { data: Uint8Array.of(7, 8), n: 1, ...size },
  ]);
  expect([height, width]).toEqual([2, 4]);
  expect([...data.subarray(0, height * width)]).toEqual([1, 2, 3, 4, 7, 8, 0, 0]);
});

it('sets images of several sizes and colours in cells of one size', async () => {
  const { data, channels, height, width } = await picture([
    { data: Uint8Array.of(9), n: 1, channels: 1, height: 1, width: 1 },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6), n: 1, channels: 3, height: 1, width: 2 },
  ]);
  expect([channels, height, width]).toEqual([3, 2, 4]);
  expect([...data]).toEqual([
    ...[9, 0, 0, 0, 1, 2, 0, 0],
    ...[9, 0, 0, 0, 3, 4, 0, 0],
    ...[9, 0, 0, 0, 5, 6, 0, 0],
  ]);
});
