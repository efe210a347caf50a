import type { AttentionShape } from './ops.js';
import type { Differentiable } from './reverse.js';
import type { BlockShape } from './unet-block.js';

const GROUPS = 32;
const EPS = 1e-5;

/** What the embedding adds to the channels of a block, and, where the network scales too, what it multiplies by. */
export type Modulation<T> = (block: string, channels: number) => { readonly shift: T; readonly scale?: T };

export const guidedNorm = <T>(ops: Differentiable<T>, x: T, name: string, channels: number): T =>
  ops.groupNorm(x, name, { channels, groups: GROUPS, eps: EPS });

/**
 * Residual block: norm, SiLU and convolution twice, the embedding in between; resampling by 2 before the first
 * convolution and on the skip path.
 *
 * Source: Dhariwal & Nichol 2021, section 3, arXiv:2105.05233.
 */
export function guidedBlock<T>(
  ops: Differentiable<T>,
  name: string,
  { in: cin, out: cout, resample }: Omit<BlockShape, 'attention'>,
  x: T,
  modulate: Modulation<T>,
): T {
  const resampled = (y: T) => (resample === 'up' ? ops.enlarge(y) : resample === 'down' ? ops.shrink(y) : y);
  const conv = (y: T, layer: string, from: number, kernel: number) =>
    ops.conv(y, `${name}.${layer}`, { in: from, out: cout, kernel });
  const norm = (y: T, layer: string, channels: number) => guidedNorm(ops, y, `${name}.${layer}`, channels);

  const y = conv(resampled(ops.silu(norm(x, 'in_layers.0', cin))), 'in_layers.2', cin, 3);
  const { shift, scale } = modulate(name, cout);
  const modulated =
    scale === undefined
      ? norm(ops.add(y, shift), 'out_layers.0', cout)
      : ops.add(ops.multiply(norm(y, 'out_layers.0', cout), scale), shift);
  const branch = conv(ops.silu(modulated), 'out_layers.3', cout, 3);
  const skip = resampled(x);
  return ops.add(cin === cout ? skip : conv(skip, 'skip_connection', cin, 1), branch);
}

/** Self-attention over all positions, added to its input. */
export function guidedAttention<T>(ops: Differentiable<T>, name: string, shape: AttentionShape, x: T): T {
  const { channels } = shape;
  const normed = guidedNorm(ops, x, `${name}.norm`, channels);
  const qkv = ops.conv(normed, `${name}.qkv`, { in: channels, out: 3 * channels, kernel: 1 });
  const mixed = ops.attention(qkv, shape);
  return ops.add(x, ops.conv(mixed, `${name}.proj_out`, { in: channels, out: channels, kernel: 1 }));
}
