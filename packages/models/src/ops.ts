/**
 * The operations that a network is written in. `T` is whatever an interpretation makes of a value: a name in an ONNX
 * graph, a shape, an array of a tensor library.
 *
 * Feature maps are [n, channels, height, width], vectors [n, k], levels [n]. Parameters are named as in a PyTorch
 * state_dict: a layer `name` has `name.weight` and, with bias, `name.bias`.
 */
export interface Ops<T> {
  /** Two-dimensional convolution, stride 1, zeros around: weight [out, in, kernel, kernel]. */
  conv(x: T, name: string, shape: ConvShape): T;
  /** x Wᵀ + b on vectors: weight [out, in]. */
  linear(x: T, name: string, shape: LinearShape): T;
  /** Zero mean and unit variance within each group of channels, then weight and bias for each channel. */
  groupNorm(x: T, name: string, shape: { channels: number; groups: number; eps: number }): T;
  /** Softmax attention over positions; x holds query, key and value in 3·channels channels. */
  attention(x: T, shape: AttentionShape): T;
  /** Filters each channel and keeps every second position; buffer `name` [1, 1, taps, taps]. */
  downsample(x: T, name: string, shape: ResampleShape): T;
  /** Puts zeros between positions, filters each channel with gain 4, and crops `padding` from every side. */
  upsample(x: T, name: string, shape: ResampleShape): T;
  /** Channels of feature maps, or entries of vectors, one after another. */
  concat(parts: readonly T[]): T;
  /** The first and second half of a vector's entries. */
  halves(x: T): readonly [T, T];
  /** Mean over channels: [n, height, width]. */
  channelMean(x: T): T;
  /** x·sigmoid(x). */
  silu(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  log(x: T): T;
  power(x: T, exponent: number): T;
  /** factor·x + offset. */
  affine(x: T, factor: number, offset: number): T;
  /** Sum; `y` has the shape of `x`, or is a vector with an entry for each channel of the feature map `x`. */
  add(x: T, y: T): T;
  /** Product; `y` as in `add`, or a level for each sample. */
  multiply(x: T, y: T): T;
  /** [n] times [k] gives [n, k]; `frequencies` are numbers or the name of a buffer of `count`, times `factor`. */
  outer(level: T, frequencies: readonly number[] | { name: string; count: number; factor: number }): T;
}

interface ConvShape {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  /** Rows and columns of zeros on each side; by default what keeps the size. */
  readonly padding?: number;
}

interface LinearShape {
  readonly in: number;
  readonly out: number;
  /** True by default. */
  readonly bias?: boolean;
}

interface AttentionShape {
  readonly channels: number;
  readonly heads: number;
}

interface ResampleShape {
  readonly channels: number;
  readonly taps: number;
  readonly padding: number;
}
