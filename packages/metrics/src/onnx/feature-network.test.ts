import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FeatureNetwork, openFeatureNetwork } from './feature-network.js';

const digits = fileURLToPath(new URL('../../../../experiments/digits/digits-features.onnx', import.meta.url));

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

/** A network of colour images whose features are the means of the channels, as the bytes of an ONNX file. */
function meansOfColours(): Buffer {
  const field = (number: number, value: Buffer | string | number): Buffer =>
    typeof value === 'number'
      ? Buffer.from([number << 3, value])
      : Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(value)]), Buffer.from(value)]);
  const message = (...fields: Buffer[]) => Buffer.concat(fields);
  const node = (op: string, from: string, to: string) =>
    field(1, message(field(1, from), field(2, to), field(4, op)));
  const sized = (name: string, ...sizes: (number | string)[]) => {
    const dims = sizes.map((size) => field(1, field(typeof size === 'number' ? 1 : 2, size)));
    const tensor = message(field(1, 1), field(2, message(...dims)));
    return message(field(1, name), field(2, field(1, tensor)));
  };
  const graph = message(
    node('GlobalAveragePool', 'images', 'pooled'),
    node('Flatten', 'pooled', 'features'),
    field(2, 'means'),
    field(11, sized('images', 'n', 3, 'height', 'width')),
    field(12, sized('features', 'n', 3)),
  );
  return message(
    field(1, 8),
    Buffer.from([(7 << 3) | 2, (graph.length & 127) | 128, graph.length >> 7]),
    graph,
    field(8, field(2, 17)),
  );
}

describe('openFeatureNetwork', () => {
  let network: FeatureNetwork;
  beforeAll(async () => {
    network = await openFeatureNetwork(digits, { threads: 1 });
  });
  afterAll(() => network.close());

  it('says what it gives', () => {
    expect(network).toMatchObject({ dim: 224 });
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
    await refused({ channels: 3, data: new Uint8Array(3072) }, /failed on an image \[1,3,32,32\]: /);
    await refused({ height: 16, width: 64 }, /failed on an image \[1,1,16,64\]: /);
    await expect(network.features({ ...images(1), n: 2 })).rejects.toMatchObject({ code: 'E_IMAGES' });
  });

  it('gives a grey image its channel three times where the network is of colours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fewstep-network-'));
    const path = join(folder, 'means.onnx');
    await writeFile(path, meansOfColours());
    const colours = await openFeatureNetwork(path);
    const grey = { data: Uint8Array.of(10, 20, 30, 40, 2, 4, 6, 8), n: 2, channels: 1, height: 2, width: 2 };
    expect([...(await colours.features(grey))]).toEqual([25, 25, 25, 5, 5, 5]);
    const one = { data: Uint8Array.of(10, 20, 30, 40, 50, 60), n: 1, channels: 3, height: 1, width: 2 };
    expect([...(await colours.features(one))]).toEqual([15, 35, 55]);
    await colours.close();
    await rm(folder, { recursive: true });
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
    await refused(join(folder, 'none.onnx'), /none\.onnx: there is no such file/);
    await writeFile(join(folder, 'a.pkl'), Buffer.from('\x80\x02}.', 'latin1'));
    await refused(join(folder, 'a.pkl'), /a\.pkl: is a pickle, and a feature network is an ONNX file/);
    if (process.platform !== 'win32')
      await refused('/dev/zero', /is a device, and a file of an ONNX network/);
    await writeFile(join(folder, 'text.onnx'), 'no network');
    await refused(join(folder, 'text.onnx'), /can't be opened as an ONNX network/);
    await refused(await renamed('features', 'FEATURES'), /this one maps images to FEATURES, logits/);
    await refused(await renamed('images', 'pixels'), /this one maps pixels to features, logits/);
    await rm(folder, { recursive: true });
  });
});
