import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { dinoIn } from './checkpoints/dino-checkpoint.js';
import { inceptionCheckpoint } from './checkpoints/inception-checkpoint.js';
import { tiny, tinyFigures, tinyImage, tinyImages, tinyWeights } from './dino-tiny.test.support.js';
import { exportFeatureNetwork } from './feature-network.js';
import { sizeOf, type Tensors } from './files/tensor.js';

const list = '../fixtures/state-dicts/pt_inception-2015-12-05-6726825d.pth.json.gz';
const { state_dict: shapes }: { state_dict: Readonly<Record<string, readonly number[]>> } = JSON.parse(
  gunzipSync(readFileSync(new URL(list, import.meta.url))).toString(),
);

/** A network whose layers give the same everywhere: no weights, norms of mean 0 and variance 1, and a bias for each channel. */
const biases = (bias: (name: string, channel: number) => number): Tensors =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      name.endsWith('num_batches_tracked')
        ? { dtype: 'I64', shape, data: new BigInt64Array(1) }
        : { dtype: 'F32', shape, data: dataOf(name, shape, bias) },
    ]),
  );

function dataOf(name: string, shape: readonly number[], bias: (name: string, channel: number) => number) {
  const data = new Float32Array(sizeOf(shape));
  if (name.endsWith('.bias'))
    return data.map((_, channel) => bias(name.slice(0, -'.bn.bias'.length), channel));
  return name.endsWith('running_var') || name.endsWith('bn.weight') ? data.fill(1) : data;
}

describe('inceptionCheckpoint', () => {
  const network = biases(() => 0);

  it('takes the published file’s state dict, with or without its counters', () => {
    const { weights } = inceptionCheckpoint(network);
    const counters = Object.keys(shapes).filter((name) => name.endsWith('num_batches_tracked'));
    expect(counters).toHaveLength(94);
    expect(Object.keys(weights)).toHaveLength(Object.keys(shapes).length - counters.length);
    expect(inceptionCheckpoint(weights).weights).toEqual(weights);
  });

  it('lists what is missing, unexpected and of another shape', () => {
    const { 'fc.bias': _, ...rest } = network;
    const wrong: Tensors = {
      ...rest,
      'Mixed_6b.branch7x7_2.conv.weight': network['Mixed_6b.branch7x7_3.conv.weight']!,
      'AuxLogits.num_batches_tracked': network['Conv2d_1a_3x3.bn.num_batches_tracked']!,
    };
    expect(() => inceptionCheckpoint(wrong)).toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        evidence: {
          missing: ['fc.bias'],
          unexpected: ['AuxLogits.num_batches_tracked'],
          wrongShape: ['Mixed_6b.branch7x7_2.conv.weight [192,128,7,1] for [128,128,1,7]'],
        },
      }),
    );
  });
});

describe('exportFeatureNetwork', () => {
  it('gives the last block’s branches in order, what is taken on the way, and the picture as the network sees it', async () => {
    const last = ['1x1', '3x3_2a', '3x3_2b', '3x3dbl_3a', '3x3dbl_3b', '_pool'].map(
      (branch) => `Mixed_7c.branch${branch}`,
    );
    const ways = { Conv2d_2b_3x3: 64, Conv2d_4a_3x3: 192, 'Mixed_6e.branch1x1': 192 };
    const network = biases((name, channel) => {
      if (Object.hasOwn(ways, name)) return channel / 8;
      return last.includes(name) ? last.indexOf(name) + channel / 1024 - 0.1 : 0;
    });
    const expected = [320, 384, 384, 384, 384, 192].flatMap((width, branch) =>
      Array.from({ length: width }, (_, channel) => Math.max(0, branch + channel / 1024 - 0.1)),
    );
    for (const [resize, white] of [
      ['tensorflow', 127 / 128],
      ['pytorch', 1],
    ] as const) {
      const { graph } = exportFeatureNetwork(inceptionCheckpoint(network), { resize, parts: true });
      const session = await InferenceSession.create(graph);
      const images = new Tensor('float32', new Float32Array(3 * 10 * 20).fill(255), [1, 3, 10, 20]);
      const found = await session.run({ images });
      await session.release();
      const values = (name: string) => Array.from(found[name]!.data as Float32Array);
      expect(found.features!.dims).toEqual([1, 2048]);
      for (const [i, value] of values('features').entries()) expect(value).toBeCloseTo(expected[i]!, 5);
      expect(values('features_64')[63]).toBeCloseTo(63 / 8, 5);
      expect(values('features_192')[191]).toBeCloseTo(191 / 8, 5);
      expect(values('features_768')[191]).toBeCloseTo(191 / 8, 5);
      expect(values('resized').every((value) => Math.abs(value - white) < 1e-6)).toBe(true);
    }
  });
});

describe('DINOv2’s', () => {
  it.each(['plain', 'gated'] as const)('features are those of PyTorch, of a %s network', async (kind) => {
    const weights = new Map(Object.entries(tinyWeights(tiny[kind])));
    const checkpoint = dinoIn({ tensors: weights, read: () => weights });
    expect(() => exportFeatureNetwork(checkpoint, { resize: 'pytorch' })).toThrow(
      expect.objectContaining({ code: 'E_CHECKPOINT', evidence: { resize: 'pytorch' } }),
    );
    const session = await InferenceSession.create(exportFeatureNetwork(checkpoint).graph);
    for (const [number, size] of tinyImages.entries()) {
      const images = new Tensor('float32', tinyImage(number), [1, 3, ...size]);
      const { features } = await session.run({ images });
      const expected = tinyFigures[`${kind}.${size.join('x')}`]!.data as Float32Array;
      expect(features!.dims).toEqual([1, 128]);
      const found = features!.data as Float32Array;
      const distance = Math.max(...expected.map((v, i) => Math.abs(v - found[i]!)));
      expect([size, distance < 1e-5, distance]).toEqual([size, true, distance]);
    }
    await session.release();
  });
});
