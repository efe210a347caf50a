import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { sizeOf, type Tensors } from '../files/tensor.js';
import type { AttentionOrder } from '../networks/ops.js';
import { encodeOnnx } from './onnx-model.js';
import { type GraphValue, OnnxOps } from './onnx-ops.js';

const f32 = (shape: readonly number[], data: readonly number[]) =>
  ({ dtype: 'F32', shape, data: Float32Array.from(data) }) as const;

/** n values that differ, of the size of 1. */
const values = (n: number, salt = 0) => Array.from({ length: n }, (_, i) => Math.sin(1.7 * i + salt));

/** What an operation makes of one batch; `shapes` are without it. */
async function run(
  build: (ops: OnnxOps, x: GraphValue) => GraphValue,
  shape: readonly number[],
  x: readonly number[],
  weights: Tensors = {},
): Promise<{ shape: readonly number[]; y: number[] }> {
  const ops = new OnnxOps(weights);
  const y = build(ops, ops.input('x', shape));
  const session = await InferenceSession.create(encodeOnnx(ops.model({ y })).graph);
  const n = x.length / sizeOf(shape);
  const result = await session.run({ x: new Tensor('float32', Float32Array.from(x), [n, ...shape]) });
  await session.release();
  expect(result.y!.dims).toEqual([n, ...y.shape]);
  return { shape: y.shape, y: Array.from(result.y!.data as Float32Array) };
}

const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
};

/** Softmax attention of one head, straight from its definition; [positions][entries]. */
function attention(query: number[][], key: number[][], value: number[][], causal = false): number[][] {
  return query.map((q, p) => {
    const scores = key.map((k, s) =>
      causal && s > p ? 0 : Math.exp(q.reduce((sum, e, i) => sum + e * k[i]!, 0) / Math.sqrt(q.length)),
    );
    const total = scores.reduce((sum, e) => sum + e, 0);
    return value[0]!.map((_, i) => value.reduce((sum, v, s) => sum + (scores[s]! / total) * v[i]!, 0));
  });
}

describe('on feature maps', () => {
  it('a convolution with stride 2 takes every second position of one without', async () => {
    const weights = { 'c.weight': f32([1, 1, 3, 3], values(9)), 'c.bias': f32([1], [0.25]) };
    const x = values(16);
    const conv = (stride: number) =>
      run((ops, v) => ops.conv(v, 'c', { in: 1, out: 1, kernel: 3, stride }), [1, 4, 4], x, weights);
    const every = (await conv(1)).y;
    const second = await conv(2);
    expect(second.shape).toEqual([1, 2, 2]);
    close(second.y, [every[0]!, every[2]!, every[8]!, every[10]!]);
  });

  it('a kernel may be wide and not high, and stand without bias', async () => {
    const weights = { 'c.weight': f32([1, 1, 1, 3], [1, 10, 100]) };
    const conv = (ops: OnnxOps, x: GraphValue) =>
      ops.conv(x, 'c', { in: 1, out: 1, kernel: [1, 3], bias: false });
    const { y, shape } = await run(conv, [1, 2, 3], [1, 2, 3, 4, 5, 6], weights);
    expect(shape).toEqual([1, 2, 3]);
    close(y, [210, 321, 32, 540, 654, 65]);
  });

  it('batch norm takes the statistics that were kept', async () => {
    const weights = {
      'b.weight': f32([2], [3, 1]),
      'b.bias': f32([2], [0.5, -1]),
      'b.running_mean': f32([2], [1, 10]),
      'b.running_var': f32([2], [3, 0]),
    };
    const norm = (ops: OnnxOps, x: GraphValue) => ops.batchNorm(x, 'b', { channels: 2, eps: 1 });
    close((await run(norm, [2, 1, 2], [1, 3, 10, 12], weights)).y, [0.5, 3.5, -1, 1]);
  });

  it('pools take the largest value, or the mean of what lies in the map', async () => {
    const x = [-1, -2, -3, -4, -5, -6];
    const wide = { kernel: 3 };
    close((await run((ops, v) => ops.maxPool(v, wide), [1, 2, 3], x)).y, [-1, -1, -2, -1, -1, -2]);
    close((await run((ops, v) => ops.averagePool(v, wide), [1, 2, 3], x)).y, [-3, -3.5, -4, -3, -3.5, -4]);
    const strided = await run((ops, v) => ops.maxPool(v, { kernel: 2, stride: 2, padding: 0 }), [1, 2, 3], x);
    expect(strided).toEqual({ shape: [1, 1, 1], y: [-1] });
  });

  it('enlarging puts each value four times', async () => {
    const { y } = await run((ops, x) => ops.enlarge(x), [1, 1, 2], [1, 2]);
    expect(y).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  it('become tokens and a feature map again', async () => {
    const x = values(24);
    const tokens = await run((ops, v) => ops.tokens(v), [3, 2, 2], x);
    expect(tokens.shape).toEqual([4, 3]);
    close(tokens.y.slice(0, 3), [x[0]!, x[4]!, x[8]!]);
    const back = await run((ops, v) => ops.featureMap(ops.tokens(v), v), [3, 2, 2], x);
    expect(back.shape).toEqual([3, 2, 2]);
    close(back.y, x);
  });

  it('the nearest row of a table stands at each position', async () => {
    const weights = { 't.weight': f32([3, 2], [0, 0, 1, 0, 1, 3]) };
    const x = [0.4, 0.6, 0.9, 0.1, 0.2, 2];
    const { y } = await run(
      (ops, v) => ops.nearestRow(v, 't', { count: 3, width: 2 }).row,
      [2, 1, 3],
      x,
      weights,
    );
    expect(y).toEqual([0, 1, 1, 0, 0, 3]);
  });

  // channels counted in the order's own way: 2 heads of 2 channels, 3 positions
  const orders: [AttentionOrder, (head: number, part: number, channel: number) => number][] = [
    ['heads-channels-qkv', (h, p, c) => (h * 2 + c) * 3 + p],
    ['heads-qkv-channels', (h, p, c) => (h * 3 + p) * 2 + c],
    ['qkv-heads-channels', (h, p, c) => (p * 2 + h) * 2 + c],
  ];
  it.each(orders)('attention finds query, key and value in %s', async (order, channel) => {
    const x = values(36);
    const part = (h: number, p: number) =>
      [0, 1, 2].map((at) => [0, 1].map((c) => x[3 * channel(h, p, c) + at]!));
    const expected = [0, 1].flatMap((h) => {
      const mixed = attention(part(h, 0), part(h, 1), part(h, 2));
      return [0, 1].flatMap((c) => mixed.map((row) => row[c]!));
    });
    const { y } = await run((ops, v) => ops.attention(v, { channels: 4, heads: 2, order }), [12, 1, 3], x);
    close(y, expected);
  });
});

describe('on tokens', () => {
  it('layer norm standardises each token, then scales and shifts', async () => {
    const weights = { 'l.weight': f32([2], [1, 10]), 'l.bias': f32([2], [0, 1]) };
    const { y } = await run(
      (ops, x) => ops.layerNorm(x, 'l', { width: 2, eps: 0 }),
      [2, 2],
      [1, 3, 5, 5.5],
      weights,
    );
    close(y, [-1, 11, -1, 11]);
  });

  it('a linear layer maps each token', async () => {
    const weights = { 'l.weight': f32([1, 2], [1, 10]), 'l.bias': f32([1], [0.5]) };
    const { y, shape } = await run(
      (ops, x) => ops.linear(x, 'l', { in: 2, out: 1 }),
      [2, 2],
      [1, 2, 3, 4],
      weights,
    );
    expect(shape).toEqual([2, 1]);
    close(y, [21.5, 43.5]);
  });

  it.each([false, true])('attention by head, causal: %s', async (causal) => {
    const x = values(12);
    const rows = (h: number) => [0, 1, 2].map((p) => x.slice(4 * p + 2 * h, 4 * p + 2 * h + 2));
    const heads = [0, 1].map((h) => attention(rows(h), rows(h), rows(h), causal));
    const expected = [0, 1, 2].flatMap((p) => heads.flatMap((head) => head[p]!));
    const { y } = await run((ops, v) => ops.attend(v, v, v, { heads: 2, causal }), [3, 4], x);
    close(y, expected);
  });

  it('attention to another number of tokens', async () => {
    const weights = { 'c.weight': f32([2, 2], [1, 0, 0, 1]), 'c.bias': f32([2], [0, 0]) };
    const x = values(6);
    const rows = [0, 1, 2].map((at) => [x[at]!, x[3 + at]!]);
    const { y } = await run(
      (ops, v) => {
        // every second position
        const query = ops.tokens(ops.conv(v, 'c', { in: 2, out: 2, kernel: 1, stride: 2 }));
        return ops.attend(query, ops.tokens(v), ops.tokens(v), { heads: 1 });
      },
      [2, 1, 3],
      x,
      weights,
    );
    close(y, attention([rows[0]!, rows[2]!], rows, rows).flat());
  });

  it('halves are those of the entries', async () => {
    const { y } = await run((ops, x) => ops.halves(x)[1], [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(y).toEqual([3, 4, 7, 8]);
  });
});

it('relu keeps what is positive', async () => {
  expect((await run((ops, x) => ops.relu(x), [3], [-1, 0, 2])).y).toEqual([0, 0, 2]);
});

it('gelu is x times the share of the normal distribution below x', async () => {
  const { y } = await run((ops, x) => ops.gelu(x), [3], [-1, 0, 2]);
  close(y, [-0.15865525, 0, 1.9544997]);
});

it('interpolates between points, and goes on beyond both ends', async () => {
  const { y } = await run(
    (ops, x) => ops.interpolate(x, [-1, -2, -4], [10, 20, 30]),
    [],
    [0, -1, -1.5, -2, -3, -4, -6],
  );
  close(y, [0, 10, 15, 20, 25, 30, 40]);
});

it('embeds numbers as rows of a table, and adds a parameter to each sample', async () => {
  const weights = { 't.weight': f32([3, 2], [0, 1, 10, 11, 20, 21]), p: f32([2, 2], [0.1, 0.2, 0.3, 0.4]) };
  const ops = new OnnxOps(weights);
  const numbers = ops.input('x', [2], 'int64');
  const rows = ops.embedding(numbers, 't', { count: 3, width: 2 });
  const y = ops.add(rows, ops.parameter('p', [2, 2]));
  const session = await InferenceSession.create(encodeOnnx(ops.model({ y })).graph);
  const found = await session.run({ x: new Tensor('int64', [2n, 0n, 1n, 1n], [2, 2]) });
  close(Array.from(found.y!.data as Float32Array), [20.1, 21.2, 0.3, 1.4, 10.1, 11.2, 10.3, 11.4]);
  await session.release();
});

describe('what classifiers and noise levels need', () => {
  const map = [1, 2, 3, 4, 5, 6, 7, 8];

  it('shrinking takes the mean of four', async () => {
    const { y, shape } = await run((ops, x) => ops.shrink(x), [1, 2, 4], map);
    expect(shape).toEqual([1, 1, 2]);
    close(y, [3.5, 5.5]);
  });

  it('a column of positions begins with their mean, and its first is that', async () => {
    const column = await run((ops, x) => ops.prependMean(x), [2, 2, 2], map);
    expect(column.shape).toEqual([2, 5, 1]);
    close(column.y, [2.5, 1, 2, 3, 4, 6.5, 5, 6, 7, 8]);
    close((await run((ops, x) => ops.first(ops.prependMean(x)), [2, 2, 2], map)).y, [2.5, 6.5]);
  });

  it('a parameter [channels, height] is added to a column', async () => {
    const weights = { p: f32([2, 2], [10, 20, 30, 40]) };
    const add = (ops: OnnxOps, x: GraphValue) => ops.add(x, ops.parameter('p', [2, 2]));
    close((await run(add, [2, 2, 1], map, weights)).y, [11, 22, 33, 44, 15, 26, 37, 48]);
  });

  it('means of groups stand once for each channel', async () => {
    const { y, shape } = await run((ops, x) => ops.groupMean(x, 2), [4, 1, 2], map);
    expect(shape).toEqual([4]);
    close(y, [2.5, 2.5, 6.5, 6.5]);
  });

  it('the leading channels are the first ones', async () => {
    close((await run((ops, x) => ops.leading(x, 1), [2, 2, 1], map)).y, [1, 2, 5, 6]);
  });

  it('a table is looked up by one-hot vectors, and gives zeros for zeros', async () => {
    const weights = { 't.weight': f32([2, 3], [1, 2, 3, 4, 5, 6]) };
    const lookup = (ops: OnnxOps, x: GraphValue) => ops.lookup(x, 't', { count: 2, width: 3 });
    close((await run(lookup, [2], [0, 1, 0, 0, 1, 0], weights)).y, [4, 5, 6, 0, 0, 0, 1, 2, 3]);
  });

  it('softmax, sum and sigmoid are those of vectors', async () => {
    close((await run((ops, x) => ops.softmax(x), [2], [0, Math.log(3), 5, 5])).y, [0.25, 0.75, 0.5, 0.5]);
    const total = await run((ops, x) => ops.total(x), [3], [1, 2, 3, 0, 0, 1]);
    expect(total.shape).toEqual([]);
    close(total.y, [6, 1]);
    close((await run((ops, x) => ops.sigmoid(x), [2], [0, Math.log(3)])).y, [0.5, 0.75]);
  });

  it('clamping keeps what lies between', async () => {
    close((await run((ops, x) => ops.clamp(x, -1, 1), [4], [-3, -0.5, 1, 1.5])).y, [-1, -0.5, 1, 1]);
  });

  it('the nearest of values is told by its place, the first of two', async () => {
    const index = (ops: OnnxOps, x: GraphValue) => ops.nearestIndex(x, [8, 4, 1, 0]);
    close((await run(index, [], [100, 6, 5.9, 0.6, 0.4, 0])).y, [0, 0, 1, 2, 3, 3]);
  });
});
