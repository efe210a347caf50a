import type { OnnxAttribute, OnnxInitializer, OnnxModel, OnnxNode, OnnxValue } from './onnx-model.js';
import type { Ops } from './ops.js';
import { type Tensors, toFloat32 } from './tensor.js';

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
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly inputs: OnnxValue[] = [];
  private count = 0;

  constructor(private readonly weights: Tensors) {}

  input(name: string, shape: readonly number[]): GraphValue {
    this.inputs.push({ name, shape: [BATCH, ...shape] });
    return { name, shape };
  }

  /** The finished graph, its outputs under the names given. */
  model(outputs: Readonly<Record<string, GraphValue>>): OnnxModel {
    return {
      opset: OPSET,
      inputs: this.inputs,
      outputs: Object.entries(outputs).map(([name, value]) => {
        this.nodes.push({ op: 'Identity', inputs: [value.name], outputs: [name], attributes: {} });
        return { name, shape: [BATCH, ...value.shape] };
      }),
      nodes: this.nodes,
      initializers: [...this.initializers.values()],
    };
  }

  conv(x: GraphValue, name: string, shape: { out: number; kernel: number; padding?: number }): GraphValue {
    const { out, kernel, padding = Math.floor(kernel / 2) } = shape;
    const size = x.shape.slice(1).map((n) => n + 2 * padding - kernel + 1);
    const inputs = [x.name, this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    return this.node('Conv', inputs, [out, ...size], { pads: { ints: new Array(4).fill(padding) } });
  }

  linear(x: GraphValue, name: string, { out, bias = true }: { out: number; bias?: boolean }): GraphValue {
    const inputs = [x.name, this.weight(`${name}.weight`), ...(bias ? [this.weight(`${name}.bias`)] : [])];
    return this.node('Gemm', inputs, [out], { transB: { int: 1 } });
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

  attention(x: GraphValue, { channels, heads }: { channels: number; heads: number }): GraphValue {
    const [, height, width] = x.shape as [number, number, number];
    const perHead = channels / heads;
    const positions = height * width;
    // channels come as heads × perHead × (query, key, value)
    const split = this.node(
      'Reshape',
      [x.name, this.ints([-1, perHead, 3, positions])],
      [perHead, 3, positions],
    );
    const parts = this.split(split, 2, 3).map((part) => this.reshapeAll(part, [-1, perHead, positions]));
    const [query, key, value] = parts as [GraphValue, GraphValue, GraphValue];
    const turned = (y: GraphValue) =>
      this.node('Transpose', [y.name], [y.shape[1]!, y.shape[0]!], { perm: { ints: [0, 2, 1] } });
    const scores = this.node(
      'MatMul',
      [this.affine(turned(query), perHead ** -0.5, 0).name, key.name],
      [positions, positions],
    );
    const shares = this.node('Softmax', [scores.name], scores.shape, { axis: { int: -1 } });
    const mixed = this.node('MatMul', [value.name, turned(shares).name], [perHead, positions]);
    return { ...this.reshapeAll(mixed, [-1, channels, height, width]) };
  }

  downsample(x: GraphValue, name: string, { channels, taps, padding }: Resample): GraphValue {
    const size = x.shape.slice(1).map((n) => Math.floor((n + 2 * padding - taps) / 2) + 1);
    const strides = { strides: { ints: [2, 2] }, pads: { ints: new Array(4).fill(padding) } };
    if (this.isBox(name, taps) && padding === 0)
      return this.node('AveragePool', [x.name], [channels, ...size], {
        kernel_shape: { ints: [2, 2] },
        ...strides,
      });
    const filter = this.depthwise(name, channels, 1);
    return this.node('Conv', [x.name, filter], [channels, ...size], { ...strides, group: { int: channels } });
  }

  upsample(x: GraphValue, name: string, { channels, taps, padding }: Resample): GraphValue {
    const size = x.shape.slice(1).map((n) => 2 * (n - 1) + taps - 2 * padding);
    if (this.isBox(name, taps) && padding === 0)
      return this.node(
        'Resize',
        [x.name, '', this.constant(Float32Array.of(1, 1, 2, 2), [4])],
        [channels, ...size],
        {
          mode: { string: 'nearest' },
          coordinate_transformation_mode: { string: 'asymmetric' },
          nearest_mode: { string: 'floor' },
        },
      );
    return this.node('ConvTranspose', [x.name, this.depthwise(name, channels, 4)], [channels, ...size], {
      strides: { ints: [2, 2] },
      pads: { ints: new Array(4).fill(padding) },
      group: { int: channels },
    });
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
    return this.split(x, 1, 2) as [GraphValue, GraphValue];
  }

  /** By a convolution: ReduceMean sums in another order when the batch is smaller than the number of threads. */
  channelMean(x: GraphValue): GraphValue {
    const [channels, ...size] = x.shape as [number, ...number[]];
    const share = this.constant(new Float32Array(channels).fill(1 / channels), [1, channels, 1, 1]);
    return this.reshape(this.node('Conv', [x.name, share], [1, ...size]), size);
  }

  silu(x: GraphValue): GraphValue {
    return this.node('Mul', [x.name, this.node('Sigmoid', [x.name], x.shape).name], x.shape);
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

  /** `y` with sizes of 1 appended, so that it broadcasts onto `x`. */
  private spread(y: GraphValue, x: GraphValue): GraphValue {
    const missing = x.shape.length - y.shape.length;
    return missing === 0 ? y : this.reshape(y, [...y.shape, ...new Array<number>(missing).fill(1)]);
  }

  /** Within a sample; at most one size is -1, which stands for what is left. */
  private reshape(x: GraphValue, shape: readonly number[]): GraphValue {
    return this.node('Reshape', [x.name, this.ints([0, ...shape])], shape);
  }

  /** Across the batch, which is the first size. */
  private reshapeAll(x: GraphValue, shape: readonly [number, ...number[]]): GraphValue {
    return this.node('Reshape', [x.name, this.ints(shape)], shape.slice(1));
  }

  private split(x: GraphValue, axis: number, count: number): GraphValue[] {
    const shape = x.shape.map((n, d) => (d === axis - 1 ? n / count : n));
    const outputs = Array.from({ length: count }, () => this.fresh('Split'));
    this.nodes.push({ op: 'Split', inputs: [x.name], outputs, attributes: { axis: { int: axis } } });
    return outputs.map((name) => ({ name, shape }));
  }

  private node(
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

  private weight(name: string): string {
    const tensor = this.weights[name]!;
    return this.initializer(name, toFloat32(tensor), tensor.shape);
  }

  private constant(data: Float32Array, shape: readonly number[]): string {
    const name = data.length <= 8 ? `constant [${shape}] ${data}` : `constant_${this.count++}`;
    return this.initializer(name, data, shape);
  }

  private scalar(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  private ints(values: readonly number[]): string {
    return this.initializer(`ints [${values}]`, BigInt64Array.from(values, BigInt), [values.length]);
  }

  private initializer(name: string, data: Float32Array | BigInt64Array, shape: readonly number[]): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, data, shape });
    return name;
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
    return this.initializer(`${name}*${gain}`, data, [channels, ...shape.slice(1)]);
  }
}

interface Resample {
  readonly channels: number;
  readonly taps: number;
  readonly padding: number;
}
