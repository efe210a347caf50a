import { sizeOf, type Tensors, toFloat32 } from '../files/tensor.js';
import type { AttentionOrder, ConvShape, Ops, WindowShape } from '../networks/ops.js';
import { windowOf } from '../networks/window.js';
import type {
  OnnxAttribute,
  OnnxInitializer,
  OnnxModel,
  OnnxNode,
  OnnxType,
  OnnxValue,
} from './onnx-model.js';

/** A value of the graph: its name, and its shape without the batch. */
export interface GraphValue {
  readonly name: string;
  readonly shape: readonly number[];
}

const OPSET = 17;
const BATCH = 'n';
/** Float32 values in the widest vector register, AVX-512's. */
const LANES = 16;

/** Emits a network as an ONNX graph of float32. Which ORT operators are used was chosen by measurement. */
export class OnnxOps implements Ops<GraphValue> {
  /** Bytes are a node that is encoded already. */
  protected readonly nodes: (OnnxNode | Uint8Array)[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly inputs: OnnxValue[] = [];
  private count = 0;

  constructor(
    private readonly weights: Tensors,
    private readonly batch: number | string = BATCH,
  ) {}

  input(name: string, shape: readonly number[], type: OnnxType = 'float32'): GraphValue {
    this.inputs.push({ name, type, shape: [this.batch, ...shape] });
    return { name, shape };
  }

  /**
   * An input of images of any height and width, resized to `size` × `size` by linear interpolation between the four
   * pixels around. `centres`: a pixel lies in the middle of its square, otherwise in its upper left corner.
   */
  images(name: string, channels: number, size: number, { centres }: { centres: boolean }): GraphValue {
    this.inputs.push({ name, type: 'float32', shape: [BATCH, channels, 'height', 'width'] });
    const kept = this.node('Shape', [name], [], { end: { int: 2 } });
    const sizes = this.node('Concat', [kept.name, this.ints([size, size])], [], { axis: { int: 0 } });
    return this.node('Resize', [name, '', '', sizes.name], [channels, size, size], {
      mode: { string: 'linear' },
      coordinate_transformation_mode: { string: centres ? 'half_pixel' : 'asymmetric' },
    });
  }

  /** The finished graph, its outputs under the names given; `integers` names those that are whole numbers. */
  model(outputs: Readonly<Record<string, GraphValue>>, integers: readonly string[] = []): OnnxModel {
    return {
      opset: OPSET,
      inputs: this.inputs,
      outputs: Object.entries(outputs).map(([name, value]) => {
        this.nodes.push({ op: 'Identity', inputs: [value.name], outputs: [name], attributes: {} });
        const type = integers.includes(name) ? 'int64' : 'float32';
        return { name, type, shape: [this.batch, ...value.shape] };
      }),
      nodes: this.nodes,
      initializers: [...this.initializers.values()],
    };
  }

  conv(x: GraphValue, name: string, shape: ConvShape): GraphValue {
    const { in: cin, out, bias = true } = shape;
    const { kernel, padding, stride, size } = windowOf(shape, mapSize(x));
    const weight = this.weight(name, [out, cin, ...kernel]);
    return this.node('Conv', [x.name, weight, ...(bias ? [this.bias(name, out)] : [])], [out, ...size], {
      pads: { ints: [...padding, ...padding] },
      ...(stride > 1 && { strides: { ints: [stride, stride] } }),
    });
  }

  linear(x: GraphValue, name: string, shape: { in: number; out: number; bias?: boolean }): GraphValue {
    const { in: cin, out, bias = true } = shape;
    const [positions] = x.shape;
    const rows = x.shape.length > 1 ? this.reshapeAll(x, [-1, cin]) : x;
    const inputs = [rows.name, this.weight(name, [out, cin]), ...(bias ? [this.bias(name, out)] : [])];
    const y = this.node('Gemm', inputs, [out], { transB: { int: 1 } });
    return x.shape.length > 1 ? this.reshapeAll(y, [-1, positions!, out]) : y;
  }

  groupNorm(
    x: GraphValue,
    name: string,
    { channels, groups, eps }: { channels: number; groups: number; eps: number },
  ) {
    const grouped = this.reshape(x, [groups, -1]);
    const ones = this.constant(new Float32Array(groups).fill(1), [groups]);
    const zeros = this.constant(new Float32Array(groups), [groups]);
    const normed = this.node('InstanceNormalization', [grouped.name, ones, zeros], grouped.shape, {
      epsilon: { float: eps },
    });
    const perChannel = (parameter: string) =>
      this.constant(toFloat32(this.weights[`${name}.${parameter}`]!), [channels, 1, 1]);
    const scaled = this.node('Mul', [this.reshape(normed, x.shape).name, perChannel('weight')], x.shape);
    return this.node('Add', [scaled.name, perChannel('bias')], x.shape);
  }

  batchNorm(x: GraphValue, name: string, { channels, eps }: { channels: number; eps: number }): GraphValue {
    const parameters = ['weight', 'bias', 'running_mean', 'running_var'].map((parameter) =>
      this.stored(`${name}.${parameter}`, [channels]),
    );
    return this.node('BatchNormalization', [x.name, ...parameters], x.shape, { epsilon: { float: eps } });
  }

  layerNorm(x: GraphValue, name: string, { width, eps }: { width: number; eps: number }): GraphValue {
    return this.node(
      'LayerNormalization',
      [x.name, this.weight(name, [width]), this.bias(name, width)],
      x.shape,
      {
        axis: { int: -1 },
        epsilon: { float: eps },
      },
    );
  }

  attention(x: GraphValue, shape: Attention): GraphValue {
    const [query, key, value] = this.queryKeyValue(x, shape);
    const mixed = this.matmul(value, this.transpose(this.shares(query, key), [1, 0]));
    return this.reshapeAll(mixed, [-1, shape.channels, ...x.shape.slice(1)]);
  }

  /** ORT's own operator, which never holds the scores of all pairs: at 64×64 positions they take 0.5 GiB a sample. */
  attend(
    query: GraphValue,
    key: GraphValue,
    value: GraphValue,
    { heads, causal = false }: Attend,
  ): GraphValue {
    const name = this.fresh('MultiHeadAttention');
    this.nodes.push({
      op: 'MultiHeadAttention',
      domain: 'com.microsoft',
      inputs: [query.name, key.name, value.name],
      outputs: [name],
      attributes: { num_heads: { int: heads }, unidirectional: { int: causal ? 1 : 0 } },
    });
    return { name, shape: query.shape };
  }

  tokens(x: GraphValue): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    return this.transpose(this.reshape(x, [channels, height * width]), [1, 0]);
  }

  featureMap(x: GraphValue, like: GraphValue): GraphValue {
    return this.reshape(this.transpose(x, [1, 0]), [x.shape[1]!, ...like.shape.slice(1)]);
  }

  embedding(numbers: GraphValue, name: string, { count, width }: Table): GraphValue {
    return this.node('Gather', [this.weight(name, [count, width]), numbers.name], [...numbers.shape, width]);
  }

  parameter(name: string, shape: readonly number[]): GraphValue {
    return { name: this.stored(name, [1, ...shape]), shape };
  }

  lookup(oneHot: GraphValue, name: string, { count, width }: Table): GraphValue {
    return this.node('MatMul', [oneHot.name, this.weight(name, [count, width])], [width]);
  }

  /** The least |e|² − 2e·x over the rows e, by a convolution. */
  nearestRow(x: GraphValue, name: string, { count, width }: Table): { row: GraphValue; number: GraphValue } {
    const table = toFloat32(this.weights[`${name}.weight`]!);
    const squares = Float32Array.from({ length: count }, (_, i) =>
      table.subarray(i * width, (i + 1) * width).reduce((sum, e) => sum + e * e, 0),
    );
    const factors = this.constant(
      table.map((e) => -2 * e),
      [count, width, 1, 1],
    );
    const [, ...size] = x.shape;
    const distances = this.node('Conv', [x.name, factors, this.constant(squares, [count])], [count, ...size]);
    const number = this.node('ArgMin', [distances.name], size, { axis: { int: 1 }, keepdims: { int: 0 } });
    const rows = this.node('Gather', [this.weight(name, [count, width]), number.name], [...size, width]);
    return { row: this.transpose(rows, [2, 0, 1]), number };
  }

  downsample(x: GraphValue, name: string, { channels, taps, padding }: Resample): GraphValue {
    const size = x.shape.slice(1).map((n) => Math.floor((n + 2 * padding - taps) / 2) + 1);
    const strides = { strides: { ints: [2, 2] }, pads: { ints: new Array(4).fill(padding) } };
    if (this.isBox(name, taps) && padding === 0) return this.shrink(x);
    const filter = this.depthwise(name, channels, 1);
    return this.node('Conv', [x.name, filter], [channels, ...size], { ...strides, group: { int: channels } });
  }

  upsample(x: GraphValue, name: string, { channels, taps, padding }: Resample): GraphValue {
    const size = x.shape.slice(1).map((n) => 2 * (n - 1) + taps - 2 * padding);
    if (this.isBox(name, taps) && padding === 0) return this.enlarge(x);
    return this.node('ConvTranspose', [x.name, this.depthwise(name, channels, 4)], [channels, ...size], {
      strides: { ints: [2, 2] },
      pads: { ints: new Array(4).fill(padding) },
      group: { int: channels },
    });
  }

  enlarge(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const scales = this.constant(Float32Array.of(1, 1, 2, 2), [4]);
    return this.node('Resize', [x.name, '', scales], [channels, ...size.map((n) => 2 * n)], {
      mode: { string: 'nearest' },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    });
  }

  shrink(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const twos = { ints: [2, 2] };
    return this.node('AveragePool', [x.name], [channels, ...size.map((n) => Math.floor(n / 2))], {
      kernel_shape: twos,
      strides: twos,
      pads: { ints: [0, 0, 0, 0] },
    });
  }

  maxPool = (x: GraphValue, window: WindowShape) => this.pool('MaxPool', x, window);
  averagePool = (x: GraphValue, window: WindowShape) => this.pool('AveragePool', x, window);

  private pool(op: 'MaxPool' | 'AveragePool', x: GraphValue, window: WindowShape): GraphValue {
    const { kernel, padding, stride, size } = windowOf(window, mapSize(x));
    return this.node(op, [x.name], [x.shape[0]!, ...size], {
      kernel_shape: { ints: kernel },
      pads: { ints: [...padding, ...padding] },
      strides: { ints: [stride, stride] },
    });
  }

  prependMean(x: GraphValue): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    const column = this.reshape(x, [channels, height * width, 1]);
    const mean = this.reshape(this.groupMean(x, channels), [channels, 1, 1]);
    return this.node('Concat', [mean.name, column.name], [channels, 1 + height * width, 1], {
      axis: { int: 2 },
    });
  }

  first(x: GraphValue): GraphValue {
    const [channels] = x.shape as [number];
    const column = this.reshape(x, [channels, -1]);
    return this.node('Gather', [column.name, this.int(0)], [channels], { axis: { int: 2 } });
  }

  concat(parts: readonly GraphValue[]): GraphValue {
    const [first] = parts as [GraphValue];
    const channels = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return this.node(
      'Concat',
      parts.map(({ name }) => name),
      [channels, ...first.shape.slice(1)],
      { axis: { int: 1 } },
    );
  }

  halves(x: GraphValue): readonly [GraphValue, GraphValue] {
    return this.split(x, x.shape.length, 2) as [GraphValue, GraphValue];
  }

  leading(x: GraphValue, count: number): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    if (channels === count) return x;
    const slice = [x.name, this.ints([0]), this.ints([count]), this.ints([1])];
    return this.node('Slice', slice, [count, ...size]);
  }

  /** By a convolution: ReduceMean sums in another order when the batch is smaller than the number of threads. */
  channelMean(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const share = this.constant(new Float32Array(channels).fill(1 / channels), [1, channels, 1, 1]);
    return this.reshape(this.node('Conv', [x.name, share], [1, ...size]), size);
  }

  /** By pooling, whose order of summing doesn't depend on the batch; rows first, for precision. */
  groupMean(x: GraphValue, groups: number): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    const pool = (y: GraphValue) =>
      this.node(
        'GlobalAveragePool',
        [y.name],
        y.shape.map((n, d) => (d === 0 ? n : 1)),
      );
    const rows = pool(this.reshape(x, [channels * height, width]));
    const means = pool(this.reshape(rows, [groups, (channels / groups) * height]));
    if (groups === channels) return this.reshape(means, [channels]);
    const spread = this.ints([1, 1, channels / groups]);
    return this.reshape(this.node('Expand', [means.name, spread], [groups, channels / groups]), [channels]);
  }

  total(x: GraphValue): GraphValue {
    const ones = this.constant(new Float32Array(x.shape[0]!).fill(1), [x.shape[0]!, 1]);
    const sum = this.node('MatMul', [x.name, ones], [1]);
    return this.node('Reshape', [sum.name, this.ints([-1])], []);
  }

  softmax(x: GraphValue): GraphValue {
    return this.node('Softmax', [x.name], x.shape, { axis: { int: -1 } });
  }

  sigmoid(x: GraphValue): GraphValue {
    return this.node('Sigmoid', [x.name], x.shape);
  }

  relu(x: GraphValue): GraphValue {
    return this.node('Relu', [x.name], x.shape);
  }

  silu(x: GraphValue): GraphValue {
    return this.node('Mul', [x.name, this.sigmoid(x).name], x.shape);
  }

  gelu(x: GraphValue): GraphValue {
    const erf = this.node('Erf', [this.affine(x, Math.SQRT1_2, 0).name], x.shape);
    return this.multiply(x, this.affine(erf, 0.5, 0.5));
  }

  sin = (x: GraphValue) => this.inLanes('Sin', x);
  cos = (x: GraphValue) => this.inLanes('Cos', x);
  log = (x: GraphValue) => this.inLanes('Log', x);

  power(x: GraphValue, exponent: number): GraphValue {
    return this.node('Pow', [x.name, this.scalar(exponent)], x.shape);
  }

  affine(x: GraphValue, factor: number, offset: number): GraphValue {
    const scaled = factor === 1 ? x : this.node('Mul', [x.name, this.scalar(factor)], x.shape);
    return offset === 0 ? scaled : this.node('Add', [scaled.name, this.scalar(offset)], x.shape);
  }

  clamp(x: GraphValue, low: number, high: number): GraphValue {
    return this.node('Clip', [x.name, this.scalar(low), this.scalar(high)], x.shape);
  }

  nearestIndex(level: GraphValue, values: readonly number[]): GraphValue {
    const points = this.constant(Float32Array.from(values), [1, values.length]);
    const offsets = this.node('Sub', [this.reshapeAll(level, [-1, 1]).name, points], [values.length]);
    const distances = this.node('Abs', [offsets.name], offsets.shape);
    const index = this.node('ArgMin', [distances.name], [], { axis: { int: 1 }, keepdims: { int: 0 } });
    return this.node('Cast', [index.name], [], { to: { int: 1 } });
  }

  interpolate(level: GraphValue, xs: readonly number[], ys: readonly number[]): GraphValue {
    const column = this.reshapeAll(level, [-1, 1]);
    const points = this.constant(Float32Array.from(xs), [1, xs.length]);
    const above = this.node('Greater', [points, column.name], [xs.length]);
    const flags = this.node('Cast', [above.name], above.shape, { to: { int: 7 } });
    const count = this.node('ReduceSum', [flags.name, this.ints([1])], [], { keepdims: { int: 0 } });
    const before = this.node('Sub', [count.name, this.ints([1])], []);
    const segment = this.node('Clip', [before.name, this.int(0), this.int(xs.length - 2)], []);
    const ofSegment = (f: (k: number) => number) => {
      const values = Float32Array.from({ length: xs.length - 1 }, (_, k) => f(k));
      return this.node('Gather', [this.constant(values, [values.length]), segment.name], []);
    };
    const slope = ofSegment((k) => (ys[k + 1]! - ys[k]!) / (xs[k + 1]! - xs[k]!));
    const offset = this.node('Sub', [level.name, ofSegment((k) => xs[k]!).name], []);
    return this.add(
      this.multiply(slope, offset),
      ofSegment((k) => ys[k]!),
    );
  }

  add = (x: GraphValue, y: GraphValue) => this.node('Add', [x.name, this.spread(y, x).name], x.shape);
  multiply = (x: GraphValue, y: GraphValue) => this.node('Mul', [x.name, this.spread(y, x).name], x.shape);

  outer(level: GraphValue, frequencies: readonly number[] | { name: string; count: number; factor: number }) {
    const values =
      'name' in frequencies
        ? Float32Array.from(toFloat32(this.weights[frequencies.name]!), (f) => f * frequencies.factor)
        : Float32Array.from(frequencies);
    const column = this.node('Reshape', [level.name, this.ints([-1, 1])], [1]);
    return this.node('Mul', [column.name, this.constant(values, [1, values.length])], [values.length]);
  }

  /**
   * ORT computes these functions several values at a time, and what is left over one by one with another last bit. So
   * that a sample's value doesn't depend on where it comes to stand, each sample fills whole vector registers.
   */
  private inLanes(op: 'Sin' | 'Cos' | 'Log', x: GraphValue): GraphValue {
    const [width = 1] = x.shape;
    const lanes = Math.ceil(width / LANES) * LANES;
    if (x.shape.length > 0 && lanes === width) return this.node(op, [x.name], x.shape);
    const take = (y: GraphValue, count: number) =>
      this.node('Gather', [y.name, this.ints(Array.from({ length: count }, (_, i) => i % width))], [count], {
        axis: { int: 1 },
      });
    const wide = take(this.reshapeAll(x, [-1, width]), lanes);
    const y = take(this.node(op, [wide.name], wide.shape), width);
    return x.shape.length > 0 ? y : this.node('Reshape', [y.name, this.ints([-1])], []);
  }

  /** The three as [heads, channels of a head, positions], heads counting through the batch. */
  protected queryKeyValue(
    x: GraphValue,
    { channels, heads, order }: Attention,
  ): [GraphValue, GraphValue, GraphValue] {
    const positions = sizeOf(x.shape.slice(1));
    const perHead = channels / heads;
    const { sizes, axis } = attentionLayout[order](channels, perHead);
    const split = this.reshapeAll(x, [-1, ...sizes, positions]);
    const parts = this.split(split, axis, 3).map((part) => this.reshapeAll(part, [-1, perHead, positions]));
    return parts as [GraphValue, GraphValue, GraphValue];
  }

  /** Share of each key position in each query position: [query positions, key positions], rows with sum 1. */
  protected shares(query: GraphValue, key: GraphValue): GraphValue {
    const scaled = this.affine(this.transpose(query, [1, 0]), query.shape[0]! ** -0.5, 0);
    return this.softmax(this.matmul(scaled, key));
  }

  protected matmul(x: GraphValue, y: GraphValue): GraphValue {
    return this.node('MatMul', [x.name, y.name], [...x.shape.slice(0, -1), y.shape.at(-1)!]);
  }

  /** `y` with sizes of 1 appended, so that it broadcasts onto `x`. */
  private spread(y: GraphValue, x: GraphValue): GraphValue {
    const missing = x.shape.length - y.shape.length;
    return missing === 0 ? y : this.reshape(y, [...y.shape, ...new Array<number>(missing).fill(1)]);
  }

  /** Within a sample; at most one size is -1, which stands for what is left. */
  protected reshape(x: GraphValue, shape: readonly number[]): GraphValue {
    return this.node('Reshape', [x.name, this.ints([0, ...shape])], shape);
  }

  /** Across the batch, which is the first size. */
  protected reshapeAll(x: GraphValue, shape: readonly [number, ...number[]]): GraphValue {
    return this.node('Reshape', [x.name, this.ints(shape)], shape.slice(1));
  }

  /** `order` of the sizes within a sample, from 0. */
  protected transpose(x: GraphValue, order: readonly number[]): GraphValue {
    const perm = { ints: [0, ...order.map((d) => d + 1)] };
    return this.node(
      'Transpose',
      [x.name],
      order.map((d) => x.shape[d]!),
      { perm },
    );
  }

  private split(x: GraphValue, axis: number, count: number): GraphValue[] {
    const shape = x.shape.map((n, d) => (d === axis - 1 ? n / count : n));
    const outputs = Array.from({ length: count }, () => this.fresh('Split'));
    this.nodes.push({ op: 'Split', inputs: [x.name], outputs, attributes: { axis: { int: axis } } });
    return outputs.map((name) => ({ name, shape }));
  }

  protected node(
    op: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): GraphValue {
    const name = this.fresh(op);
    this.nodes.push({ op, inputs, outputs: [name], attributes });
    return { name, shape };
  }

  private fresh(op: string): string {
    return `${op}_${this.count++}`;
  }

  protected weight(name: string, shape: readonly number[]): string {
    return this.stored(`${name}.weight`, shape);
  }

  private bias(name: string, count: number): string {
    return this.stored(`${name}.bias`, [count]);
  }

  /** A tensor of the checkpoint, which may leave out or add sizes of 1. */
  private stored(name: string, shape: readonly number[]): string {
    return this.initializer({ name, type: 'float32', shape, data: () => toFloat32(this.weights[name]!) });
  }

  protected constant(data: Float32Array, shape: readonly number[]): string {
    const name = data.length <= 8 ? `constant [${shape}] ${data}` : `constant_${this.count++}`;
    return this.initializer({ name, type: 'float32', shape, data: () => data });
  }

  private scalar(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  protected ints(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.initializer({
      name: `ints [${values}]`,
      type: 'int64',
      shape: [values.length],
      data: () => data,
    });
  }

  private int(value: number): string {
    return this.initializer({
      name: `int ${value}`,
      type: 'int64',
      shape: [],
      data: () => BigInt64Array.of(BigInt(value)),
    });
  }

  private initializer(one: OnnxInitializer): string {
    if (!this.initializers.has(one.name)) this.initializers.set(one.name, one);
    return one.name;
  }

  private isBox(name: string, taps: number): boolean {
    return taps === 2 && toFloat32(this.weights[name]!).every((tap) => tap === 0.25);
  }

  /** The filter once for each channel, times a gain. */
  private depthwise(name: string, channels: number, gain: number): string {
    const { shape } = this.weights[name]!;
    const filter = toFloat32(this.weights[name]!).map((tap) => tap * gain);
    const data = Float32Array.from(
      { length: channels * filter.length },
      (_, i) => filter[i % filter.length]!,
    );
    return this.initializer({
      name: `${name}*${gain}`,
      type: 'float32',
      shape: [channels, ...shape.slice(1)],
      data: () => data,
    });
  }
}

const mapSize = ({ shape }: GraphValue) => shape.slice(1) as [height: number, width: number];

/** How query, key and value lie in 3·channels, and along which axis they follow one another; the batch is axis 0. */
export const attentionLayout = {
  'heads-channels-qkv': (_channels, perHead) => ({ sizes: [perHead, 3], axis: 2 }),
  'heads-qkv-channels': (_channels, perHead) => ({ sizes: [3, perHead], axis: 1 }),
  'qkv-heads-channels': (channels) => ({ sizes: [3, channels], axis: 1 }),
} satisfies Record<
  AttentionOrder,
  (channels: number, perHead: number) => { sizes: [number, number]; axis: number }
>;

interface Resample {
  readonly channels: number;
  readonly taps: number;
  readonly padding: number;
}

export interface Attention {
  readonly channels: number;
  readonly heads: number;
  readonly order: AttentionOrder;
}

interface Attend {
  readonly heads: number;
  readonly causal?: boolean;
}

interface Table {
  readonly count: number;
  readonly width: number;
}
