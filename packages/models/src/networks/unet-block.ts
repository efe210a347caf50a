import type { Ops } from './ops.js';

/** Settings that all blocks of a network share. */
export interface BlockStyle {
  readonly embedding: number;
  readonly eps: number;
  /** Factor on the sum of a residual branch and its input. */
  readonly skipScale: number;
  /** True: the embedding scales and shifts after the second norm. False: it is added before. */
  readonly adaptiveScale: boolean;
  /** A 1×1 convolution on the skip path even when only the resolution changes. */
  readonly projectResampled: boolean;
  readonly filter: readonly number[];
  heads(channels: number): number;
}

type Resampling = 'up' | 'down' | undefined;

export interface BlockShape {
  readonly in: number;
  readonly out: number;
  readonly resample?: Resampling;
  readonly attention?: boolean;
}

export interface ResampledConvShape {
  readonly in: number;
  readonly out: number;
  /** 0: resampling alone. */
  readonly kernel: number;
  readonly resample?: Resampling;
  readonly filter: readonly number[];
  /** One padding for both instead of one each, so that nothing is cut off between them. */
  readonly fused?: boolean;
}

/** Groups of a norm: 32, or fewer where they would have less than 4 channels. */
export const groupsOf = (channels: number) => Math.min(32, Math.floor(channels / 4));

/** A convolution on a feature map resampled by 2 with a low-pass filter (Karras et al. 2022, appendix C). */
export function resampledConv<T>(ops: Ops<T>, name: string, shape: ResampledConvShape, x: T): T {
  const { kernel, resample, filter } = shape;
  const around = Math.floor(kernel / 2);
  const lead = Math.floor((filter.length - 1) / 2);
  const buffer = `${name}.resample_filter`;
  const conv = (y: T, padding: number) =>
    kernel === 0 ? y : ops.conv(y, name, { in: shape.in, out: shape.out, kernel, padding });
  const down = (y: T, channels: number, padding: number) =>
    ops.downsample(y, buffer, { channels, taps: filter.length, padding });
  const up = (padding: number) =>
    ops.upsample(x, buffer, { channels: shape.in, taps: filter.length, padding });
  const fused = shape.fused && kernel > 0;
  if (resample === 'down')
    return fused ? down(conv(x, around + lead), shape.out, 0) : conv(down(x, shape.in, lead), around);
  if (resample === 'up')
    return fused ? conv(up(Math.max(lead - around, 0)), Math.max(around - lead, 0)) : conv(up(lead), around);
  return conv(x, around);
}

/**
 * The residual block of both networks: norm, SiLU and convolution twice, the embedding of noise level and class in
 * between, then self-attention. Karras et al. 2022, table 7, arXiv:2206.00364.
 */
export function unetBlock<T>(
  ops: Ops<T>,
  name: string,
  style: BlockStyle,
  shape: BlockShape,
  x: T,
  embedding: T,
): T {
  const { in: cin, out: cout, resample } = shape;
  const { eps, filter, skipScale } = style;
  const norm = (y: T, layer: string, channels: number) =>
    ops.groupNorm(y, `${name}.${layer}`, { channels, groups: groupsOf(channels), eps });
  const conv = (y: T, layer: string, from: number, to: number, kernel: number) =>
    ops.conv(y, `${name}.${layer}`, { in: from, out: to, kernel });
  const scaled = (y: T) => (skipScale === 1 ? y : ops.affine(y, skipScale, 0));

  const spread = { in: cin, out: cout, kernel: 3, resample, filter };
  let y = resampledConv(ops, `${name}.conv0`, spread, ops.silu(norm(x, 'norm0', cin)));
  const condition = ops.linear(embedding, `${name}.affine`, {
    in: style.embedding,
    out: style.adaptiveScale ? 2 * cout : cout,
  });
  if (style.adaptiveScale) {
    const [scale, shift] = ops.halves(condition);
    y = ops.add(ops.multiply(norm(y, 'norm1', cout), ops.affine(scale, 1, 1)), shift);
  } else {
    y = norm(ops.add(y, condition), 'norm1', cout);
  }
  y = conv(ops.silu(y), 'conv1', cout, cout, 3);

  const kernel = cin !== cout || style.projectResampled ? 1 : 0;
  const skip = cin !== cout || resample ? resampledConv(ops, `${name}.skip`, { ...spread, kernel }, x) : x;
  y = scaled(ops.add(y, skip));
  const heads = shape.attention ? style.heads(cout) : 0;
  if (heads === 0) return y;

  const mixed = ops.attention(conv(norm(y, 'norm2', cout), 'qkv', cout, 3 * cout, 1), {
    channels: cout,
    heads,
    order: 'heads-channels-qkv',
  });
  return scaled(ops.add(conv(mixed, 'proj', cout, cout, 1), y));
}
