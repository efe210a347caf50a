import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FeatureNetwork, openFeatureNetwork } from './feature-network.js';

const digits = fileURLToPath(new URL('../../../experiments/digits/digits-features.onnx', import.meta.url));

/** Images of strokes: every third pixel of a middle band. */
const images = (n: number) => ({
  data: Uint8Array.from({ length: n * 1024 }, (_, i) =>
    i % 1024 > 300 && i % 3 === 0 ? (i * 7919) % 256 : 0,
  ),
  n,
  channels: 1,
  height: 32,
  width: 32,
});

describe('openFeatureNetwork', () => {
  let network: FeatureNetwork;
  beforeAll(async () => {
    network = await openFeatureNetwork(digits, { threads: 1 });
  });
  afterAll(() => network.close());

  it('says what it takes and gives', () => {
    expect(network).toMatchObject({ dim: 224, channels: 1, height: 32, width: 32 });
  });

  it('gives an image the same vector in every batch and with any number of threads', async () => {
    const whole = images(7);
    const features = await network.features(whole);
    expect(features.length).toBe(7 * 224);
    expect(features.subarray(224, 448)).not.toEqual(features.subarray(0, 224));
    expect(features.some((value) => value > 0.01)).toBe(true);
    const alone = await network.features({ ...whole, n: 1, data: whole.data.subarray(3 * 1024, 4 * 1024) });
    expect(alone).toEqual(features.slice(3 * 224, 4 * 224));
    const threaded = await openFeatureNetwork(digits, { threads: 2 });
    expect(await threaded.features(whole)).toEqual(features);
    await threaded.close();
  });

  it('refuses images that are not its own', async () => {
    const refused = (change: object, why: RegExp) =>
      expect(network.features({ ...images(1), ...change })).rejects.toMatchObject({
        code: 'E_NETWORK',
        message: expect.stringMatching(why),
      });
    await refused(
      { channels: 3, data: new Uint8Array(3072) },
      /takes grey images, and these are RGB; use a network for RGB/,
    );
    await refused({ height: 16, width: 64 }, /takes images of 32×32, and these are 64×16/);
    await expect(network.features({ ...images(1), n: 2 })).rejects.toMatchObject({ code: 'E_IMAGES' });
  });

  it('says what failed where the runtime fails on an image', async () => {
    const session = await InferenceSession.create(digits);
    const run = vi.spyOn(Object.getPrototypeOf(session), 'run').mockRejectedValue(new Error('no room'));
    await expect(network.features(images(1))).rejects.toMatchObject({
      code: 'E_NETWORK',
      message: expect.stringMatching(/failed on an image \[1,1,32,32\]: no room/),
    });
    run.mockRestore();
    await session.release();
  });

  it('refuses files of another form', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fewstep-network-'));
    const renamed = async (from: string, to: string) => {
      const bytes = await readFile(digits);
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at)) bytes.write(to, at);
      const path = join(folder, `${to}.onnx`);
      await writeFile(path, bytes);
      return path;
    };
    const refused = (path: string, why: RegExp) =>
      expect(openFeatureNetwork(path)).rejects.toMatchObject({
        code: 'E_NETWORK',
        message: expect.stringMatching(why),
      });
    await refused(join(folder, 'none.onnx'), /none\.onnx: can't be opened/);
    await writeFile(join(folder, 'text.onnx'), 'no network');
    await refused(join(folder, 'text.onnx'), /can't be opened as an ONNX network/);
    await refused(
      await renamed('features', 'FEATURES'),
      /output "features", and this one has FEATURES, logits/,
    );
    await refused(await renamed('images', 'pixels'), /one input "images", and this one has pixels/);
    await rm(folder, { recursive: true });
  });
});
