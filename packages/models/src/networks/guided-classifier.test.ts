import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { Tensors } from '../files/tensor.js';
import { OnnxAdjoints } from '../onnx/onnx-adjoints.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { classifierGradient, guidedClassifier } from './guided-classifier.js';
import type { GuidedUNetOptions } from './guided-unet.js';
import { parameterShapes } from './parameters.js';

const CHANNELS = 32;
const CLASSES = 3;
const PIXELS = 64;
const options: GuidedUNetOptions = {
  image_size: 8,
  in_channels: 1,
  out_channels: CLASSES,
  model_channels: CHANNELS,
  channel_mult: [1],
  num_res_blocks: 1,
  attention_resolutions: [],
  num_classes: 0,
  num_head_channels: CHANNELS,
  num_heads: 1,
  num_heads_upsample: -1,
  use_scale_shift_norm: true,
  resblock_updown: true,
  attention_order: 'heads-qkv-channels',
  pool: 'adaptive',
};

const scale = (c: number) => 1 + c / CHANNELS;
const offset = (c: number) => c / 16 - 1;
const row = (k: number, c: number) => Math.sin(CHANNELS * k + c);

/** Zeros but for the first convolution, which copies the image to every channel, and what comes after all blocks. */
function weights(): Tensors {
  const values: Record<string, (i: number) => number> = {
    'input_blocks.0.0.weight': (i) => (i % 9 === 4 ? 1 : 0),
    'out.0.weight': scale,
    'out.0.bias': offset,
    'out.3.weight': (i) => row(Math.floor(i / CHANNELS), i % CHANNELS),
    'out.3.bias': (k) => k / 10,
  };
  return Object.fromEntries(
    Array.from(parameterShapes(guidedClassifier(options)), ([name, shape]) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const data = Float32Array.from({ length }, (_, i) => values[name]?.(i) ?? 0);
      return [name, { dtype: 'F32', shape, data }];
    }),
  );
}

/** Each channel is the normed image, scaled and moved; of SiLU of that the mean is taken. */
function expectedLogits(image: readonly number[]): number[] {
  const mean = image.reduce((sum, v) => sum + v) / PIXELS;
  const variance = image.reduce((sum, v) => sum + (v - mean) ** 2, 0) / PIXELS;
  const means = Array.from({ length: CHANNELS }, (_, c) => {
    const y = image.map((v) => scale(c) * ((v - mean) / Math.sqrt(variance + 1e-5)) + offset(c));
    return y.reduce((sum, v) => sum + v / (1 + Math.exp(-v)), 0) / PIXELS;
  });
  return Array.from(
    { length: CLASSES },
    (_, k) => k / 10 + means.reduce((sum, mean, c) => sum + row(k, c) * mean, 0),
  );
}

it('pools by the mean, and gives the gradient of that', async () => {
  const label = 1;
  const image = Array.from({ length: PIXELS }, (_, i) => Math.cos(i * i));
  const ops = new OnnxAdjoints(weights());
  const inputs = {
    z: ops.input('z', [1, 8, 8]),
    timestep: ops.input('timestep', []),
    labels: ops.input('labels', [CLASSES]),
  };
  const { graph } = encodeOnnx(ops.model({ ...classifierGradient(options)(ops, inputs, '') }));
  const session = await InferenceSession.create(graph);
  const { logits, gradient } = await session.run({
    z: new Tensor('float32', Float32Array.from(image), [1, 1, 8, 8]),
    timestep: new Tensor('float32', Float32Array.of(7), [1]),
    labels: new Tensor('float32', Float32Array.of(0, 1, 0), [1, CLASSES]),
  });
  await session.release();

  for (const [k, logit] of expectedLogits(image).entries()) expect(logits!.data[k]).toBeCloseTo(logit, 4);
  const logProbability = (at: number, step: number) => {
    const values = expectedLogits(image.map((v, i) => (i === at ? v + step : v)));
    return values[label]! - Math.log(values.reduce((sum, v) => sum + Math.exp(v), 0));
  };
  for (let i = 0; i < PIXELS; i++)
    expect(gradient!.data[i]).toBeCloseTo((logProbability(i, 1e-5) - logProbability(i, -1e-5)) / 2e-5, 5);
});
