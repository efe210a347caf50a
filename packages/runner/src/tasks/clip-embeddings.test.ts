import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeImages } from './artifacts.js';
import { run, slice } from './clip-embeddings.js';

const clip = fileURLToPath(
  new URL('../../../models/fixtures/clip-tiny.hugging-face.safetensors', import.meta.url),
);
const network = { activation: 'gelu', vision_heads: 3, text_heads: 2 } as const;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-clip-'));
});
afterAll(() => rm(dir, { recursive: true }));

const given = { hints: {}, device: null, progress: () => {} };
const bytes = Uint8Array.from({ length: 4 * 20 * 18 }, (_, i) => (i * i) % 251);
const embeddingsOf = async (from: number, to: number) => {
  const folder = await mkdtemp(join(dir, 'task-'));
  const [height, width] = [20, 18];
  const data = bytes.slice(from * height * width, to * height * width);
  const images = { data, n: to - from, channels: 1, height, width };
  const inputs = { network: clip, images: [join(folder, await writeImages(folder, images))] };
  const digests = { network: ['a'] };
  const { files, meta } = await run({ ...given, params: { network }, inputs, dir: folder, digests });
  expect(meta).toEqual({ images: to - from });
  return join(folder, files.embeddings);
};

it('gives the embeddings of some images as if they alone had been computed', async () => {
  const embeddings = await embeddingsOf(0, 4);
  const folder = await mkdtemp(join(dir, 'slice-'));
  const params = { of: [10, 13], take: [11, 12] } as const;
  const { files, meta } = await slice({ ...given, params, inputs: { embeddings }, dir: folder, digests: {} });
  expect(meta).toEqual({ images: 2 });
  expect(await readFile(join(folder, files.embeddings))).toEqual(await readFile(await embeddingsOf(1, 3)));
});
