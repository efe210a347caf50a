/**
 * The operations that a network is written in. `T` is whatever an interpretation makes of a value: a name in an ONNX
 * graph, a shape, an array of a tensor library.
 *
 * Feature maps are [n, channels, height, width], tokens [n, positions, k], vectors [n, k], levels [n]. Parameters are
 * named as in a PyTorch state_dict: a layer `name` has `name.weight` and, with bias, `name.bias`.
 */
export interface Ops<T> {
  /** Two-dimensional convolution, zeros around: weight [out, in, height, width of the kernel]. */
  conv(x: T, name: string, shape: ConvShape): T;
  /** x Wᵀ + b on vectors, or on each token: weight [out, in]. */
  linear(x: T, name: string, shape: LinearShape): T;
  /** Zero mean and unit variance within each group of channels, then weight and bias for each channel. */
  groupNorm(x: T, name: string, shape: GroupNormShape): T;
  /**
   * Each channel less `running_mean`, over the root of `running_var` + eps, then its weight and bias: the statistics
   * are those of training.
   */
  batchNorm(x: T, name: string, shape: { channels: number; eps: number }): T;
  /** Zero mean and unit variance within each token, then weight and bias for each entry. */
  layerNorm(x: T, name: string, shape: { width: number; eps: number }): T;
  /** Softmax attention over the positions of a feature map with query, key and value in its 3·channels channels. */
  attention(x: T, shape: AttentionShape): T;
  /**
   * Softmax attention of tokens: each head has an equal share of the entries. `causal`: a position attends to itself
   * and those before.
   */
  attend(query: T, key: T, value: T, shape: AttendShape): T;
  /** The positions of a feature map, row by row, as tokens. */
  tokens(x: T): T;
  /** Tokens with a parameter [width] before them, the same for every sample. */
  prepend(x: T, name: string, width: number): T;
  /** The token at a position as a vector: at the same in all samples, or where a vector [n, positions] is 1 and not 0. */
  token(x: T, at: number | T): T;
  /** Tokens as a feature map with the height and width of `like`. */
  featureMap(x: T, like: T): T;
  /** Rows of a table by their numbers: [n, positions] gives tokens; weight [count, width]. */
  embedding(numbers: T, name: string, shape: TableShape): T;
  /**
   * A parameter as it stands, the same for every sample: [k] is a vector, [positions, k] are tokens, [channels, height]
   * a column.
   */
  parameter(name: string, shape: readonly number[]): T;
  /** Rows of a table by one-hot vectors [n, count]; zeros give zeros; weight [count, width]. */
  lookup(oneHot: T, name: string, shape: TableShape): T;
  /** The nearest row of a table at each position of a feature map, and its number; weight [count, width]. */
  nearestRow(x: T, name: string, shape: TableShape): { row: T; number: T };
  /** Filters each channel and keeps every second position; buffer `name` [1, 1, taps, taps]. */
  downsample(x: T, name: string, shape: ResampleShape): T;
  /** Puts zeros between positions, filters each channel with gain 4, and crops `padding` from every side. */
  upsample(x: T, name: string, shape: ResampleShape): T;
  /** Doubles height and width; each value stands four times. */
  enlarge(x: T): T;
  /** Halves height and width; each value is the mean of four. */
  shrink(x: T): T;
  /** The largest value within a window around each position. */
  maxPool(x: T, window: WindowShape): T;
  /** The mean within a window around each position, of what lies in the map. */
  averagePool(x: T, window: WindowShape): T;
  /** All positions of a feature map in one column, their mean before them: [n, channels, 1 + height·width, 1]. */
  prependMean(x: T): T;
  /** The first position of a feature map as a vector. */
  first(x: T): T;
  /** Channels of feature maps, or entries of vectors, one after another. */
  concat(parts: readonly T[]): T;
  /** The first and second half of the entries of vectors, or of tokens. */
  halves(x: T): readonly [T, T];
  /** The first `count` channels of a feature map. */
  leading(x: T, count: number): T;
  /** Mean over channels: [n, height, width]. */
  channelMean(x: T): T;
  /** Mean over each group of channels and all positions, once for each channel: [n, channels]. */
  groupMean(x: T, groups: number): T;
  /** Sum of a vector's entries: a level. */
  total(x: T): T;
  /** Positive, with sum 1 over the entries of a vector. */
  softmax(x: T): T;
  sigmoid(x: T): T;
  /** max(x, 0). */
  relu(x: T): T;
  /** x·sigmoid(x). */
  silu(x: T): T;
  /** x·Φ(x), Φ the normal distribution. */
  gelu(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  log(x: T): T;
  power(x: T, exponent: number): T;
  /** factor·x + offset. */
  affine(x: T, factor: number, offset: number): T;
  /** The nearest number from `low` to `high`. */
  clamp(x: T, low: number, high: number): T;
  /** Place of the nearest of `values`; the first of them where there are two. */
  nearestIndex(level: T, values: readonly number[]): T;
  /**
   * The line through the points (xs, ys) at each level; beyond either end the outermost segment goes on. `xs` descends.
   */
  interpolate(level: T, xs: readonly number[], ys: readonly number[]): T;
  /** Sum; `y` has the shape of `x`, or is a vector with an entry for each channel of the feature map `x`. */
  add(x: T, y: T): T;
  /** Product; `y` as in `add`, or a level for each sample. */
  multiply(x: T, y: T): T;
  /** [n] times [k] gives [n, k]; `frequencies` are numbers or the name of a buffer of `count`, times `factor`. */
  outer(level: T, frequencies: readonly number[] | { name: string; count: number; factor: number }): T;
}

/** One number for both, or height and width. */
export type Extent = number | readonly [height: number, width: number];

export interface WindowShape {
  readonly kernel: Extent;
  /** Rows and columns added on each side; by default what keeps the size. */
  readonly padding?: Extent;
  /** 1 by default. */
  readonly stride?: number;
}

export interface ConvShape extends WindowShape {
  readonly in: number;
  readonly out: number;
  /** True by default. */
  readonly bias?: boolean;
}

export interface LinearShape {
  readonly in: number;
  readonly out: number;
  /** True by default. */
  readonly bias?: boolean;
}

export interface GroupNormShape {
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
}

export interface TableShape {
  readonly count: number;
  readonly width: number;
}

export interface AttendShape {
  readonly heads: number;
  readonly causal?: boolean;
}

export interface AttentionShape {
  readonly channels: number;
  readonly heads: number;
  /** What the 3·channels run through, slowest first; `qkv` is query, key, value. */
  readonly order: AttentionOrder;
}

/** EDM's networks; ADM's and latent diffusion's; Consistency Models'. */
export type AttentionOrder = 'heads-channels-qkv' | 'heads-qkv-channels' | 'qkv-heads-channels';

export interface ResampleShape {
  readonly channels: number;
  readonly taps: number;
  readonly padding: number;
}
