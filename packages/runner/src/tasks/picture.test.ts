import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics/images';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Images, readImages, writeImages } from './artifacts.js';
import { run as compare } from './comparison.js';
import { run } from './picture.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-picture-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const shardOf = async (images: Images) => {
  const shard = await mkdtemp(join(dir, 'shard-'));
  return join(shard, await writeImages(shard, images));
};
const given = { hints: {}, digests: {}, device: { type: 'cpu' }, progress: () => {} };

async function comparison(groups: readonly Images[]) {
  const inputs = { rows: await Promise.all(groups.map(shardOf)) };
  const { files } = await compare({ ...given, params: { columns: 2 }, inputs, dir });
  return decodeImage(await readFile(join(dir, files.png)), 'picture');
}

it('sets the images of shards in rows, and keeps the first of them', async () => {
  const size = { channels: 1, height: 1, width: 1 };
  const shards = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
  const inputs = {
    images: await Promise.all(shards.map((data) => shardOf({ data, n: data.length, ...size }))),
  };
  const params = { columns: 3, rows: 2, compared: 4 };
  const { files } = await run({ ...given, params, inputs, dir });
  const { data, height, width } = await decodeImage(await readFile(join(dir, files.png)), 'picture');
  expect([height, width, ...data.subarray(0, 6)]).toEqual([2, 3, 1, 2, 3, 4, 5, 0]);
  expect([...(await readImages([join(dir, files.row)])).data]).toEqual([1, 2, 3, 4]);
});

it('sets the first images of each group in a row', async () => {
  const size = { channels: 1, height: 1, width: 2 };
  const { data, height, width } = await comparison([
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6), n: 3, ...size },
    { data: Uint8Array.of(7, 8), n: 1, ...size },
  ]);
  expect([height, width]).toEqual([2, 4]);
  expect([...data.subarray(0, height * width)]).toEqual([1, 2, 3, 4, 7, 8, 0, 0]);
});

it('sets images of several sizes and colours in cells of one size', async () => {
  const { data, channels, height, width } = await comparison([
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
