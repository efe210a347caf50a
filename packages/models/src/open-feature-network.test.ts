import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tiny, tinyFigures, tinyImage, tinyImages, tinyWeights } from './dino-tiny.test.support.js';
import { writeSafetensors } from './files/safetensors.js';
import { encodeOnnx } from './onnx/onnx-model.js';
import { type GraphValue, OnnxOps } from './onnx/onnx-ops.js';
import { type FeatureNetwork, openFeatureNetwork } from './open-feature-network.js';

const digits = fileURLToPath(new URL('../../../experiments/digits/digits-features.onnx', import.meta.url));

/** Images of strokes: every third pixel of a middle band. */
const strokes = (n: number) => ({
  data: Uint8Array.from({ length: n * 1024 }, (_, i) =>
    i % 1024 > 300 && i % 3 === 0 ? (i * 7919) % 256 : 0,
  ),
  n,
  channels: 1,
  height: 32,
  width: 32,
});

/** Graphs of operators that no network of ours has. */
class AnyOps extends OnnxOps {
  mean = (x: GraphValue, axes: readonly number[], shape: readonly number[]) =>
    this.node('ReduceMean', [x], shape, { axes, keepdims: 0 });
  minus = (x: GraphValue, y: GraphValue) => this.node('Sub', [x, y], x.shape, {});
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-features-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file of a network with images [n, ...shape]. */
async function fileOf(
  name: string,
  shape: readonly number[],
  build: (ops: AnyOps, images: GraphValue) => Readonly<Record<string, GraphValue>>,
  input = 'images',
): Promise<string> {
  const ops = new AnyOps({});
  const { graph } = encodeOnnx(ops.model(build(ops, ops.input(input, shape))));
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, graph);
  return path;
}

describe('a feature network', () => {
  let network: FeatureNetwork;
  beforeAll(async () => {
    network = await openFeatureNetwork(digits);
  });
  afterAll(() => network.close());

  it('gives an image the same bits in every batch, place and number of threads', async () => {
    const [whole, n, dim] = [strokes(19), 19, 224];
    expect(network).toMatchObject({ dim, batch: 8 });
    const told: number[] = [];
    const features = await network.features(whole, (done) => told.push(done));
    expect(told).toEqual([8, 16, 19]);
    expect(features).toHaveLength(n * dim);
    expect(features.some((value) => value > 0.01)).toBe(true);
    const vector = (i: number) => features.slice(i * dim, (i + 1) * dim);
    expect(vector(1)).not.toEqual(vector(0));
    const some = (first: number, end: number) => ({
      ...whole,
      n: end - first,
      data: whole.data.subarray(first * 1024, end * 1024),
    });
    for (const [first, end] of [
      [18, 19],
      [5, 8],
      [3, 16],
    ] as const)
      expect(await network.features(some(first, end))).toEqual(features.slice(first * dim, end * dim));
    const threaded = await openFeatureNetwork(digits, { threads: 1 });
    expect(await threaded.features(whole)).toEqual(features);
    await threaded.close();
  });

  it('is evaluated one image after the other where images hear of each other', async () => {
    const path = await fileOf('mixing', [1, 2, 2], (ops, x) => {
      const own = ops.mean(x, [2, 3], [1]);
      return { features: ops.add(own, ops.minus(own, ops.mean(own, [0], [1]))) };
    });
    const mixing = await openFeatureNetwork(path);
    const images = { data: Uint8Array.of(1, 1, 1, 1, 9, 9, 9, 9), n: 2, channels: 1, height: 2, width: 2 };
    expect(await mixing.features(images)).toEqual(Float32Array.of(1, 9));
    await mixing.close();
  });

  it('gets a grey image’s channel three times where it is of colours, and gives what is asked alone', async () => {
    const path = await fileOf('colours', [3, 1, 2], (ops, x) => ({
      features: ops.mean(x, [2, 3], [3]),
      others: x,
    }));
    const colours = await openFeatureNetwork(path);
    const grey = { data: Uint8Array.of(10, 20, 2, 4), n: 2, channels: 1, height: 1, width: 2 };
    expect([...(await colours.features(grey))]).toEqual([15, 15, 15, 3, 3, 3]);
    const one = { data: Uint8Array.of(10, 20, 30, 40, 50, 60), n: 1, channels: 3, height: 1, width: 2 };
    expect([...(await colours.features(one))]).toEqual([15, 35, 55]);
    // of values between bytes, too
    const between = { ...one, data: Float32Array.of(10.25, 20, 30, 40, 50, 60.5) };
    expect([...(await colours.features(between))]).toEqual([15.125, 35, 55.25]);
    await colours.close();
  });

  it('refuses images that are not its own', async () => {
    const refused = (change: object, why: RegExp) =>
      expect(network.features({ ...strokes(1), ...change })).rejects.toMatchObject({
        code: 'E_ENGINE',
        message: expect.stringMatching(why),
      });
    await refused(
      { channels: 3, data: new Uint8Array(3072) },
      /takes grey images, and these are RGB; use a network for RGB/,
    );
    await refused({ height: 16, width: 64 }, /takes images of 32×32, and these are 64×16/);
    await refused({ n: 2 }, /2 images \[1, 32, 32\] are 2048 values, and there are 1024/);
  });
});

describe('a file', () => {
  const refused = (path: string, code: string, message: RegExp, options = {}) =>
    expect(openFeatureNetwork(path, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      evidence: { path },
    });

  it('of no feature network says what it is', async () => {
    const none = join(folder, 'none.onnx');
    await refused(none, 'E_CHECKPOINT', /none\.onnx can't be read: ENOENT/);
    const text = join(folder, 'text.onnx');
    await writeFile(text, 'no network');
    await refused(text, 'E_ONNX', /text\.onnx: /);
    const pickle = join(folder, 'a.onnx');
    await writeFile(pickle, Buffer.from('\x80\x02}.', 'latin1'));
    await refused(pickle, 'E_ONNX', /it is a pickle, and an ONNX file is needed/);
    if (process.platform !== 'win32')
      await refused('/dev/zero', 'E_CHECKPOINT', /\/dev\/zero is a device where a file is needed/);
    const mean = (ops: AnyOps, x: GraphValue) => ops.mean(x, [2, 3], [1]);
    await refused(
      await fileOf('pixels', [1, 2, 2], (ops, x) => ({ features: mean(ops, x) }), 'pixels'),
      'E_ONNX',
      /one input "images" and an output "features", and this is none: it maps pixels: float32 .* to features/,
    );
    await refused(
      await fileOf('others', [1, 2, 2], (ops, x) => ({ logits: mean(ops, x) })),
      'E_ONNX',
      /an output "features", and this is none: it maps images: .* to logits/,
    );
    await refused(
      await fileOf('map', [1, 2, 2], (_, x) => ({ features: x })),
      'E_ONNX',
      /an output \[n, dim\] is expected, and features: float32 \[.*, 1, 2, 2\] is none/,
    );
  });

  it('is ONNX by its content, whatever its name, and resizes images by itself', async () => {
    const path = join(folder, 'digits.bin');
    await writeFile(path, readFileSync(digits));
    const network = await openFeatureNetwork(path);
    expect(network).toMatchObject({ dim: 224 });
    expect(network).not.toHaveProperty('resize');
    await network.close();
    await refused(path, 'E_CHECKPOINT', /resize pytorch is a choice of weights of FID's Inception-v3/, {
      resize: 'pytorch',
    });
  });
});

describe('weights', () => {
  it('of Inception-v3 come with a choice of how images are resized, which it tells', async () => {
    const path = join(folder, 'inception.pth');
    const packed = new URL('../fixtures/inception.pytorch-fid.pth.gz', import.meta.url);
    await writeFile(path, gunzipSync(readFileSync(packed)));
    for (const [asked, resize] of [
      [undefined, 'tensorflow'],
      ['pytorch', 'pytorch'],
    ] as const) {
      const network = await openFeatureNetwork(path, { ...(asked && { resize: asked }) });
      expect(network).toMatchObject({ dim: 2048, resize });
      await network.close();
    }
  });

  it('of DINOv2 give their figures, and are resized one way alone', async () => {
    const path = join(folder, 'dino.safetensors');
    await writeFile(path, writeSafetensors(tinyWeights(tiny.plain)));
    const network = await openFeatureNetwork(path);
    expect(network).not.toHaveProperty('resize');
    const [[height, width]] = tinyImages;
    const image = { data: Uint8Array.from(tinyImage(0)), n: 1, channels: 3, height, width };
    const features = await network.features(image);
    await network.close();
    const expected = tinyFigures[`plain.${height}x${width}`]!.data as Float32Array;
    expect(features).toHaveLength(network.dim);
    for (const [i, value] of features.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    await expect(openFeatureNetwork(path, { resize: 'tensorflow' })).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: { resize: 'tensorflow' },
    });
  });
});
