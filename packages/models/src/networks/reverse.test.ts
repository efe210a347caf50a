import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { type Tensor as Stored, sizeOf } from '../files/tensor.js';
import { OnnxAdjoints } from '../onnx/onnx-adjoints.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import type { GraphValue } from '../onnx/onnx-ops.js';
import { type Differentiable, pullback, type Traced } from './reverse.js';

/** n values that differ, of the size of 1. */
const values = (n: number, salt: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(1.7 * i + 0.3 * i * i + salt));

const stored = (shape: readonly number[], salt: number, factor = 1): Stored => ({
  dtype: 'F32',
  shape,
  data: values(sizeOf(shape), salt).map((v) => factor * v),
});

const weights = {
  'wide.weight': stored([3, 4, 1, 3], 14, 0.3),
  'conv.weight': stored([3, 4, 3, 3], 1, 0.3),
  'conv.bias': stored([3], 2),
  'norm.weight': stored([4], 3),
  'norm.bias': stored([4], 4),
  'qkv.weight': stored([12, 4, 1, 1], 5),
  'qkv.bias': stored([12], 6),
  column: stored([4, 37], 7),
  vector: stored([4], 8),
};

type Rule = (ops: Differentiable<Traced<GraphValue>>, x: Traced<GraphValue>) => Traced<GraphValue>;

const asked: (order: 'heads-channels-qkv' | 'heads-qkv-channels' | 'qkv-heads-channels') => Rule =
  (order) => (ops, x) =>
    ops.attention(ops.conv(x, 'qkv', { in: 4, out: 12, kernel: 1 }), { channels: 4, heads: 2, order });

const rules: Record<string, Rule> = {
  conv: (ops, x) => ops.conv(x, 'conv', { in: 4, out: 3, kernel: 3 }),
  'conv with stride': (ops, x) => ops.conv(x, 'conv', { in: 4, out: 3, kernel: 3, stride: 2 }),
  'conv, wide, without bias': (ops, x) =>
    ops.conv(x, 'wide', { in: 4, out: 3, kernel: [1, 3], padding: [1, 0], bias: false }),
  groupNorm: (ops, x) => ops.groupNorm(x, 'norm', { channels: 4, groups: 2, eps: 1e-5 }),
  'attention, heads first, qkv last': asked('heads-channels-qkv'),
  'attention, heads first': asked('heads-qkv-channels'),
  'attention, qkv first': asked('qkv-heads-channels'),
  enlarge: (ops, x) => ops.enlarge(x),
  shrink: (ops, x) => ops.shrink(x),
  prependMean: (ops, x) => ops.prependMean(x),
  'first, of a mean': (ops, x) =>
    ops.first(ops.multiply(ops.prependMean(x), ops.parameter('column', [4, 37]))),
  'first, of a map': (ops, x) => ops.first(x),
  silu: (ops, x) => ops.silu(x),
  'add, where a value is used twice': (ops, x) => ops.add(ops.silu(x), x),
  'add of a constant': (ops, x) => ops.add(ops.silu(x), ops.parameter('vector', [4])),
  'multiply by a constant': (ops, x) => ops.multiply(ops.silu(x), ops.parameter('vector', [4])),
  'multiply, both varying': (ops, x) => ops.multiply(ops.silu(x), x),
};

it.each(Object.entries(rules))('the adjoint of %s is that of its derivative', async (_, rule) => {
  const n = 2;
  const shape = [4, 6, 6];
  const ops = new OnnxAdjoints(weights);
  const { value, pull } = pullback(ops, rule, ops.input('x', shape));
  const gradient = pull(ops.input('g', value.shape));
  expect(gradient.shape).toEqual(shape);
  const session = await InferenceSession.create(encodeOnnx(ops.model({ value, gradient })).graph);
  const g = values(n * sizeOf(value.shape), 9);
  const run = async (x: Float32Array) => {
    const results = await session.run({
      x: new Tensor('float32', x, [n, ...shape]),
      g: new Tensor('float32', g, [n, ...value.shape]),
    });
    expect(results.gradient!.dims).toEqual([n, ...shape]);
    return {
      value: results.value!.data as Float32Array,
      gradient: results.gradient!.data as Float32Array,
    };
  };
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

  const x = values(n * sizeOf(shape), 10);
  const { gradient: found } = await run(x);
  const length = Math.sqrt(dot(found, found));
  // along directions that differ, the derivative of g·f is the gradient's part, for the scale of the gradient
  for (const salt of [11, 12, 13]) {
    const v = values(x.length, salt);
    const step = 1e-2;
    const ahead = await run(x.map((e, i) => e + step * v[i]!));
    const behind = await run(x.map((e, i) => e - step * v[i]!));
    const slope = (dot(g, ahead.value) - dot(g, behind.value)) / (2 * step);
    expect(Math.abs(dot(found, v) - slope)).toBeLessThan(2e-4 * length * Math.sqrt(dot(v, v)));
    expect(length).toBeGreaterThan(0.1);
  }
  await session.release();
});

it('says that a value does not depend on its input', () => {
  const ops = new OnnxAdjoints(weights);
  const { pull } = pullback(ops, (traced) => traced.parameter('vector', [4]), ops.input('x', [4]));
  expect(() => pull(ops.input('g', [4]))).toThrow(/does not depend/);
});
