import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readTensors, tensorOf, writeImages } from './artifacts.js';
import { run, slice } from './features.js';

const opened = vi.hoisted(() => [] as string[]);
vi.mock('@fewstep/models', async (original) => ({
  ...((await original()) as object),
  openFeatureNetwork: async (path: string, { resize }: { resize?: string }) => {
    opened.push(path);
    const features = async ({ data, n }: { data: Uint8Array; n: number }) =>
      Float32Array.from({ length: 2 * n }, (_, i) => data[i >> 1]! + (i % 2));
    return { dim: 2, batch: 1, ...(resize && { resize }), features, close: async () => {} };
  },
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-features-'));
});
afterAll(() => rm(dir, { recursive: true }));

const given = { hints: {}, device: null, progress: () => {} };
const featuresOf = async (bytes: number[], digest: string, params: { resize?: 'pytorch' } = {}) => {
  const folder = await mkdtemp(join(dir, 'task-'));
  const images = { data: Uint8Array.from(bytes), n: bytes.length, channels: 1, height: 1, width: 1 };
  const inputs = { network: 'net.onnx', images: [join(folder, await writeImages(folder, images))] };
  const { files, meta } = await run({
    ...given,
    params,
    inputs,
    dir: folder,
    digests: { network: [digest] },
  });
  return { features: join(folder, files.features), meta };
};
const numbers = async (path: string) => [...tensorOf(await readTensors(path), 'features', 'F32').data];

it('opens a network once for all tasks that have the same, by its content', async () => {
  expect(await numbers((await featuresOf([1, 2], 'a')).features)).toEqual([1, 2, 2, 3]);
  await featuresOf([3], 'a');
  expect(opened).toEqual(['net.onnx']);
  await featuresOf([3], 'b');
  expect(opened).toHaveLength(2);
  expect((await featuresOf([3], 'b', { resize: 'pytorch' })).meta).toEqual({ images: 1, resize: 'pytorch' });
  expect(opened).toHaveLength(3);
});

it('gives the features of some images as if they alone had been computed', async () => {
  const whole = await featuresOf([1, 2, 3, 4], 'b');
  const folder = await mkdtemp(join(dir, 'slice-'));
  const params = { of: [10, 13], take: [11, 12] } as const;
  const { files } = await slice({
    ...given,
    params,
    inputs: { features: whole.features },
    dir: folder,
    digests: {},
  });
  const alone = await featuresOf([2, 3], 'b');
  const { readFile } = await import('node:fs/promises');
  expect(await readFile(join(folder, files.features))).toEqual(await readFile(alone.features));
});
