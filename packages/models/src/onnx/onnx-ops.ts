import { sizeOf, type Tensors, toFloat32 } from '../files/tensor.js';
import type {
  AttendShape,
  AttentionOrder,
  AttentionShape,
  ConvShape,
  GroupNormShape,
  LinearShape,
  Ops,
  ResampleShape,
  TableShape,
  WindowShape,
} from '../networks/ops.js';
import { windowOf } from '../networks/window.js';
import type {
  OnnxAttribute,
  OnnxInitializer,
  OnnxModel,
  OnnxNode,
  OnnxType,
  OnnxValue,
} from './onnx-model.js';

/** An attribute of a node: an integer, integers, a text or a float. */
type Setting = number | readonly number[] | string | { readonly float: number };

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
  protected readonly inputs: OnnxValue[] = [];
  private count = 0;

  constructor(
    private readonly weights: Tensors,
    protected readonly batch: number | string = BATCH,
  ) {}

  input(name: string, shape: readonly number[], type: OnnxType = 'float32'): GraphValue {
    this.inputs.push({ name, type, shape: [this.batch, ...shape] });
    return { name, shape };
  }

  /** The finished graph, its outputs under the names given; `integers` names those that are whole numbers. */
  model(outputs: Readonly<Record<string, GraphValue>>, integers: readonly string[] = []): OnnxModel {
    return {
      opset: OPSET,
      inputs: this.inputs,
      outputs: Object.entries(outputs).map(([name, value]) => {
        this.emit('Identity', [value], [name]);
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
    return this.node('Conv', [x, weight, ...(bias ? [this.bias(name, out)] : [])], [out, ...size], {
      pads: [...padding, ...padding],
      ...(stride > 1 && { strides: [stride, stride] }),
    });
  }

  linear(x: GraphValue, name: string, shape: LinearShape): GraphValue {
    const { in: cin, out, bias = true } = shape;
    const [positions] = x.shape;
    const rows = x.shape.length > 1 ? this.reshapeAll(x, [-1, cin]) : x;
    const inputs = [rows, this.weight(name, [out, cin]), ...(bias ? [this.bias(name, out)] : [])];
    const y = this.node('Gemm', inputs, [out], { transB: 1 });
    return x.shape.length > 1 ? this.reshapeAll(y, [-1, positions!, out]) : y;
  }

  groupNorm(x: GraphValue, name: string, { channels, groups, eps }: GroupNormShape): GraphValue {
    const grouped = this.reshape(x, [groups, -1]);
    const [ones, zeros] = [this.filled(1, [groups]), this.filled(0, [groups])];
    const normed = this.node('InstanceNormalization', [grouped, ones, zeros], grouped.shape, {
      epsilon: { float: eps },
    });
    const perChannel = (parameter: string) =>
      this.constant(toFloat32(this.weights[`${name}.${parameter}`]!), [channels, 1, 1]);
    const scaled = this.node('Mul', [this.reshape(normed, x.shape), perChannel('weight')], x.shape);
    return this.node('Add', [scaled, perChannel('bias')], x.shape);
  }

  batchNorm(x: GraphValue, name: string, { channels, eps }: { channels: number; eps: number }): GraphValue {
    const parameters = ['weight', 'bias', 'running_mean', 'running_var'].map((parameter) =>
      this.stored(`${name}.${parameter}`, [channels]),
    );
    return this.node('BatchNormalization', [x, ...parameters], x.shape, { epsilon: { float: eps } });
  }

  layerNorm(x: GraphValue, name: string, { width, eps }: { width: number; eps: number }): GraphValue {
    return this.node('LayerNormalization', [x, this.weight(name, [width]), this.bias(name, width)], x.shape, {
      axis: -1,
      epsilon: { float: eps },
    });
  }

  attention(x: GraphValue, shape: AttentionShape): GraphValue {
    const [query, key, value] = this.queryKeyValue(x, shape);
    const mixed = this.matmul(value, this.transpose(this.shares(query, key), [1, 0]));
    return this.reshapeAll(mixed, [-1, shape.channels, ...x.shape.slice(1)]);
  }

  /** ORT's own operator, which never holds the scores of all pairs: at 64×64 positions they take 0.5 GiB a sample. */
  attend(query: GraphValue, key: GraphValue, value: GraphValue, shape: AttendShape): GraphValue {
    const { heads, causal = false } = shape;
    const settings = { num_heads: heads, unidirectional: causal ? 1 : 0 };
    return this.node('MultiHeadAttention', [query, key, value], query.shape, settings, 'com.microsoft');
  }

  tokens(x: GraphValue): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    return this.transpose(this.reshape(x, [channels, height * width]), [1, 0]);
  }

  prepend(x: GraphValue, name: string, width: number): GraphValue {
    const one = this.node('Gather', [x, this.ints([0])], [1, width], { axis: 1 });
    const sizes = this.node('Shape', [one], []);
    const first = this.node('Expand', [this.stored(name, [1, 1, width]), sizes], [1, width]);
    return this.node('Concat', [first, x], [1 + x.shape[0]!, width], { axis: 1 });
  }

  token(x: GraphValue, at: number | GraphValue): GraphValue {
    const [positions, width] = x.shape as [number, number];
    if (typeof at === 'number') return this.node('Gather', [x, this.int(at)], [width], { axis: 1 });
    return this.reshape(this.matmul(this.reshape(at, [1, positions]), x), [width]);
  }

  featureMap(x: GraphValue, like: GraphValue): GraphValue {
    return this.reshape(this.transpose(x, [1, 0]), [x.shape[1]!, ...like.shape.slice(1)]);
  }

  embedding(numbers: GraphValue, name: string, { count, width }: TableShape): GraphValue {
    return this.node('Gather', [this.weight(name, [count, width]), numbers], [...numbers.shape, width]);
  }

  parameter(name: string, shape: readonly number[]): GraphValue {
    return { name: this.stored(name, [1, ...shape]), shape };
  }

  lookup(oneHot: GraphValue, name: string, { count, width }: TableShape): GraphValue {
    return this.node('MatMul', [oneHot, this.weight(name, [count, width])], [width]);
  }

  /** The least |e|² − 2e·x over the rows e, by a convolution. */
  nearestRow(
    x: GraphValue,
    name: string,
    { count, width }: TableShape,
  ): { row: GraphValue; number: GraphValue } {
    const table = toFloat32(this.weights[`${name}.weight`]!);
    const squares = Float32Array.from({ length: count }, (_, i) =>
      table.subarray(i * width, (i + 1) * width).reduce((sum, e) => sum + e * e, 0),
    );
    const factors = this.constant(
      table.map((e) => -2 * e),
      [count, width, 1, 1],
    );
    const [, ...size] = x.shape;
    const distances = this.node('Conv', [x, factors, this.constant(squares, [count])], [count, ...size]);
    const number = this.node('ArgMin', [distances], size, { axis: 1, keepdims: 0 });
    const rows = this.node('Gather', [this.weight(name, [count, width]), number], [...size, width]);
    return { row: this.transpose(rows, [2, 0, 1]), number };
  }

  downsample(x: GraphValue, name: string, { channels, taps, padding }: ResampleShape): GraphValue {
    const size = x.shape.slice(1).map((n) => Math.floor((n + 2 * padding - taps) / 2) + 1);
    const strides = { strides: [2, 2], pads: new Array(4).fill(padding) };
    if (this.isBox(name, taps) && padding === 0) return this.shrink(x);
    const filter = this.depthwise(name, channels, 1);
    return this.node('Conv', [x, filter], [channels, ...size], { ...strides, group: channels });
  }

  upsample(x: GraphValue, name: string, { channels, taps, padding }: ResampleShape): GraphValue {
    const size = x.shape.slice(1).map((n) => 2 * (n - 1) + taps - 2 * padding);
    if (this.isBox(name, taps) && padding === 0) return this.enlarge(x);
    return this.node('ConvTranspose', [x, this.depthwise(name, channels, 4)], [channels, ...size], {
      strides: [2, 2],
      pads: new Array(4).fill(padding),
      group: channels,
    });
  }

  enlarge(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const scales = this.constant(Float32Array.of(1, 1, 2, 2), [4]);
    return this.node('Resize', [x, '', scales], [channels, ...size.map((n) => 2 * n)], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  shrink(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    return this.node('AveragePool', [x], [channels, ...size.map((n) => Math.floor(n / 2))], {
      kernel_shape: [2, 2],
      strides: [2, 2],
      pads: [0, 0, 0, 0],
    });
  }

  maxPool = (x: GraphValue, window: WindowShape) => this.pool('MaxPool', x, window);
  averagePool = (x: GraphValue, window: WindowShape) => this.pool('AveragePool', x, window);

  private pool(op: 'MaxPool' | 'AveragePool', x: GraphValue, window: WindowShape): GraphValue {
    const { kernel, padding, stride, size } = windowOf(window, mapSize(x));
    return this.node(op, [x], [x.shape[0]!, ...size], {
      kernel_shape: kernel,
      pads: [...padding, ...padding],
      strides: [stride, stride],
    });
  }

  prependMean(x: GraphValue): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    const column = this.reshape(x, [channels, height * width, 1]);
    const mean = this.reshape(this.groupMean(x, channels), [channels, 1, 1]);
    return this.node('Concat', [mean, column], [channels, 1 + height * width, 1], { axis: 2 });
  }

  first(x: GraphValue): GraphValue {
    const [channels] = x.shape as [number];
    const column = this.reshape(x, [channels, -1]);
    return this.node('Gather', [column, this.int(0)], [channels], { axis: 2 });
  }

  concat(parts: readonly GraphValue[]): GraphValue {
    const [first] = parts as [GraphValue];
    const channels = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return this.node('Concat', parts, [channels, ...first.shape.slice(1)], { axis: 1 });
  }

  halves = (x: GraphValue) => this.split(x, x.shape.length, 2) as [GraphValue, GraphValue];

  leading(x: GraphValue, count: number): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    if (channels === count) return x;
    const slice = [x, this.ints([0]), this.ints([count]), this.ints([1])];
    return this.node('Slice', slice, [count, ...size]);
  }

  /** By a convolution: ReduceMean sums in another order when the batch is smaller than the number of threads. */
  channelMean(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const share = this.filled(1 / channels, [1, channels, 1, 1]);
    return this.reshape(this.node('Conv', [x, share], [1, ...size]), size);
  }

  /** By pooling, whose order of summing doesn't depend on the batch; rows first, for precision. */
  groupMean(x: GraphValue, groups: number): GraphValue {
    const [channels, height, width] = x.shape as [number, number, number];
    const pool = (y: GraphValue) => this.node('GlobalAveragePool', [y], [y.shape[0]!, 1]);
    const rows = pool(this.reshape(x, [channels * height, width]));
    const means = pool(this.reshape(rows, [groups, (channels / groups) * height]));
    if (groups === channels) return this.reshape(means, [channels]);
    const spread = this.ints([1, 1, channels / groups]);
    return this.reshape(this.node('Expand', [means, spread], [groups, channels / groups]), [channels]);
  }

  total(x: GraphValue): GraphValue {
    const sum = this.node('MatMul', [x, this.filled(1, [x.shape[0]!, 1])], [1]);
    return this.reshapeAll(sum, [-1]);
  }

  softmax = (x: GraphValue) => this.node('Softmax', [x], x.shape, { axis: -1 });
  sigmoid = (x: GraphValue) => this.node('Sigmoid', [x], x.shape);
  relu = (x: GraphValue) => this.node('Relu', [x], x.shape);
  silu = (x: GraphValue) => this.node('Mul', [x, this.sigmoid(x)], x.shape);

  gelu(x: GraphValue): GraphValue {
    const erf = this.node('Erf', [this.affine(x, Math.SQRT1_2, 0)], x.shape);
    return this.multiply(x, this.affine(erf, 0.5, 0.5));
  }

  sin = (x: GraphValue) => this.inLanes('Sin', x);
  cos = (x: GraphValue) => this.inLanes('Cos', x);
  log = (x: GraphValue) => this.inLanes('Log', x);

  power = (x: GraphValue, exponent: number) => this.node('Pow', [x, this.scalar(exponent)], x.shape);

  affine(x: GraphValue, factor: number, offset: number): GraphValue {
    const scaled = factor === 1 ? x : this.node('Mul', [x, this.scalar(factor)], x.shape);
    return offset === 0 ? scaled : this.node('Add', [scaled, this.scalar(offset)], x.shape);
  }

  clamp = (x: GraphValue, low: number, high: number) =>
    this.node('Clip', [x, this.scalar(low), this.scalar(high)], x.shape);

  nearestIndex(level: GraphValue, values: readonly number[]): GraphValue {
    const points = this.constant(Float32Array.from(values), [1, values.length]);
    const offsets = this.node('Sub', [this.reshapeAll(level, [-1, 1]), points], [values.length]);
    const distances = this.node('Abs', [offsets], offsets.shape);
    const index = this.node('ArgMin', [distances], [], { axis: 1, keepdims: 0 });
    return this.node('Cast', [index], [], { to: 1 });
  }

  interpolate(level: GraphValue, xs: readonly number[], ys: readonly number[]): GraphValue {
    const column = this.reshapeAll(level, [-1, 1]);
    const points = this.constant(Float32Array.from(xs), [1, xs.length]);
    const above = this.node('Greater', [points, column], [xs.length]);
    const flags = this.node('Cast', [above], above.shape, { to: 7 });
    const count = this.node('ReduceSum', [flags, this.ints([1])], [], { keepdims: 0 });
    const before = this.node('Sub', [count, this.ints([1])], []);
    const segment = this.node('Clip', [before, this.int(0), this.int(xs.length - 2)], []);
    const ofSegment = (f: (k: number) => number) => {
      const values = Float32Array.from({ length: xs.length - 1 }, (_, k) => f(k));
      return this.node('Gather', [this.constant(values, [values.length]), segment], []);
    };
    const slope = ofSegment((k) => (ys[k + 1]! - ys[k]!) / (xs[k + 1]! - xs[k]!));
    const offset = this.node('Sub', [level, ofSegment((k) => xs[k]!)], []);
    return this.add(
      this.multiply(slope, offset),
      ofSegment((k) => ys[k]!),
    );
  }

  add = (x: GraphValue, y: GraphValue) => this.node('Add', [x, this.spread(y, x)], x.shape);
  multiply = (x: GraphValue, y: GraphValue) => this.node('Mul', [x, this.spread(y, x)], x.shape);

  outer(level: GraphValue, frequencies: readonly number[] | { name: string; count: number; factor: number }) {
    const values =
      'name' in frequencies
        ? Float32Array.from(toFloat32(this.weights[frequencies.name]!), (f) => f * frequencies.factor)
        : Float32Array.from(frequencies);
    const column = this.reshapeAll(level, [-1, 1]);
    return this.node('Mul', [column, this.constant(values, [1, values.length])], [values.length]);
  }

  /**
   * ORT computes these functions several values at a time, and what is left over one by one with another last bit. So
   * that a sample's value doesn't depend on where it comes to stand, each sample fills whole vector registers.
   */
  private inLanes(op: 'Sin' | 'Cos' | 'Log', x: GraphValue): GraphValue {
    const [width = 1] = x.shape;
    const lanes = Math.ceil(width / LANES) * LANES;
    if (x.shape.length > 0 && lanes === width) return this.node(op, [x], x.shape);
    const take = (y: GraphValue, count: number) =>
      this.node('Gather', [y, this.ints(Array.from({ length: count }, (_, i) => i % width))], [count], {
        axis: 1,
      });
    const wide = take(this.reshapeAll(x, [-1, width]), lanes);
    const y = take(this.node(op, [wide], wide.shape), width);
    return x.shape.length > 0 ? y : this.reshapeAll(y, [-1]);
  }

  /** The three as [heads, channels of a head, positions], heads counting through the batch. */
  protected queryKeyValue(x: GraphValue, shape: AttentionShape): [GraphValue, GraphValue, GraphValue] {
    const { channels, heads, order } = shape;
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
    return this.node('MatMul', [x, y], [...x.shape.slice(0, -1), y.shape.at(-1)!]);
  }

  /** `y` with sizes of 1 appended, so that it broadcasts onto `x`. */
  private spread(y: GraphValue, x: GraphValue): GraphValue {
    const missing = x.shape.length - y.shape.length;
    return missing === 0 ? y : this.reshape(y, [...y.shape, ...new Array<number>(missing).fill(1)]);
  }

  /** Within a sample; at most one size is -1, which stands for what is left. */
  protected reshape(x: GraphValue, shape: readonly number[]): GraphValue {
    return this.node('Reshape', [x, this.ints([0, ...shape])], shape);
  }

  /** Across the batch, which is the first size. */
  protected reshapeAll(x: GraphValue, shape: readonly [number, ...number[]]): GraphValue {
    return this.node('Reshape', [x, this.ints(shape)], shape.slice(1));
  }

  /** `order` of the sizes within a sample, from 0. */
  protected transpose(x: GraphValue, order: readonly number[]): GraphValue {
    const perm = [0, ...order.map((d) => d + 1)];
    return this.node(
      'Transpose',
      [x],
      order.map((d) => x.shape[d]!),
      { perm },
    );
  }

  private split(x: GraphValue, axis: number, count: number): GraphValue[] {
    const shape = x.shape.map((n, d) => (d === axis - 1 ? n / count : n));
    const outputs = Array.from({ length: count }, () => this.fresh('Split'));
    this.emit('Split', [x], outputs, { axis });
    return outputs.map((name) => ({ name, shape }));
  }

  protected node(
    op: string,
    inputs: readonly (GraphValue | string)[],
    shape: readonly number[],
    settings: Readonly<Record<string, Setting>> = {},
    domain?: string,
  ): GraphValue {
    const name = this.fresh(op);
    this.emit(op, inputs, [name], settings, domain);
    return { name, shape };
  }

  /** A node whose outputs have names that it is told. */
  protected emit(
    op: string,
    inputs: readonly (GraphValue | string)[],
    outputs: readonly string[],
    settings: Readonly<Record<string, Setting>> = {},
    domain?: string,
  ): void {
    const attributes = Object.entries(settings).map(([name, setting]) => [name, attributeOf(setting)]);
    this.nodes.push({
      op,
      ...(domain !== undefined && { domain }),
      inputs: inputs.map((input) => (typeof input === 'string' ? input : input.name)),
      outputs,
      attributes: Object.fromEntries(attributes),
    });
  }

  private fresh(op: string): string {
    return `${op}_${this.count++}`;
  }

  protected weight = (name: string, shape: readonly number[]) => this.stored(`${name}.weight`, shape);
  private bias = (name: string, count: number) => this.stored(`${name}.bias`, [count]);

  /** A tensor of the checkpoint, which may leave out or add sizes of 1. */
  private stored(name: string, shape: readonly number[]): string {
    return this.initializer(name, 'float32', shape, () => toFloat32(this.weights[name]!));
  }

  protected constant(data: Float32Array, shape: readonly number[]): string {
    const name = data.length <= 8 ? `constant [${shape}] ${data}` : `constant_${this.count++}`;
    return this.initializer(name, 'float32', shape, () => data);
  }

  protected filled(value: number, shape: readonly number[]): string {
    return this.constant(new Float32Array(sizeOf(shape)).fill(value), shape);
  }

  protected scalar = (value: number) => this.constant(Float32Array.of(value), []);

  protected ints(values: readonly number[]): string {
    const data = () => BigInt64Array.from(values, BigInt);
    return this.initializer(`ints [${values}]`, 'int64', [values.length], data);
  }

  protected int(value: number): string {
    return this.initializer(`int ${value}`, 'int64', [], () => BigInt64Array.of(BigInt(value)));
  }

  /** Once of each name. */
  private initializer(
    name: string,
    type: OnnxType,
    shape: readonly number[],
    data: OnnxInitializer['data'],
  ): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, shape, data });
    return name;
  }

  private isBox(name: string, taps: number): boolean {
    return taps === 2 && toFloat32(this.weights[name]!).every((tap) => tap === 0.25);
  }

  /** The filter once for each channel, times a gain. */
  private depthwise(name: string, channels: number, gain: number): string {
    const { shape } = this.weights[name]!;
    const filter = toFloat32(this.weights[name]!).map((tap) => tap * gain);
    const { length } = filter;
    const data = Float32Array.from({ length: channels * length }, (_, i) => filter[i % length]!);
    return this.initializer(`${name}*${gain}`, 'float32', [channels, ...shape.slice(1)], () => data);
  }
}

const attributeOf = (setting: Setting): OnnxAttribute => {
  if (typeof setting === 'number') return { int: setting };
  if (typeof setting === 'string') return { string: setting };
  return 'float' in setting ? setting : { ints: setting };
};

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
