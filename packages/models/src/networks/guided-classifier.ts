import { guidedAttention, guidedNorm, type Modulation } from './guided-block.js';
import { type GuidedUNetOptions, guidedEncoder, headsOf, modulation } from './guided-unet.js';
import type { Network } from './network.js';
import type { Ops } from './ops.js';
import { type Adjoints, type Differentiable, pullback, type Traced } from './reverse.js';

/**
 * The classifier of ADM: the encoder of its U-Net, then a layer of attention in which the mean over all positions asks
 * each of them, or, where `pool` is `adaptive`, that mean alone. `out_channels` is the number of classes.
 *
 * Source: Dhariwal & Nichol 2021, section 4, arXiv:2105.05233.
 */
export const guidedClassifier =
  (options: GuidedUNetOptions): Network =>
  (ops, { x, noise }) => ({
    output: logits(ops, options, x, modulation(ops, options, noise, undefined)),
    bottleneck: undefined,
  });

/**
 * The gradient of log p(y | z) by the image z, exactly, for one-hot y; zeros for no class give zeros. The time step is
 * held fixed. Parameters are read under their names with `prefix` before them.
 */
export type ClassifierGradient = <T>(
  ops: Ops<T> & Adjoints<T>,
  seen: { readonly z: T; readonly timestep: T; readonly labels: T },
  prefix: string,
) => { readonly logits: T; readonly gradient: T };

/** Of `guidedClassifier`. */
export const classifierGradient =
  (options: GuidedUNetOptions): ClassifierGradient =>
  (ops, { z, timestep, labels }, prefix) => {
    const modulate = modulation(ops, options, timestep, undefined, prefix);
    const constant: Modulation<Traced<typeof z>> = (block, channels) => {
      const { shift, scale } = modulate(block, channels);
      return { shift: { value: shift }, ...(scale !== undefined && { scale: { value: scale } }) };
    };
    const { value, pull } = pullback(ops, (traced, x) => logits(traced, options, x, constant, prefix), z);
    const expected = ops.multiply(ops.softmax(value), ops.total(labels));
    return { logits: value, gradient: pull(ops.add(labels, ops.affine(expected, -1, 0))) };
  };

function logits<T>(
  ops: Differentiable<T>,
  options: GuidedUNetOptions,
  image: T,
  modulate: Modulation<T>,
  prefix = '',
): T {
  const mix = (name: string, shape: { channels: number; heads: number }, y: T) =>
    guidedAttention(ops, name, { ...shape, order: options.attention_order }, y);
  const { x, channels } = guidedEncoder(ops, options, image, modulate, mix, prefix);
  const out = `${prefix}out`;
  const size = options.image_size >> (options.channel_mult.length - 1);
  const positions = ops.prependMean(ops.silu(guidedNorm(ops, x, `${out}.0`, channels)));
  const projected = { in: channels, out: options.out_channels, kernel: 1 };
  if (options.pool === 'adaptive') return ops.first(ops.conv(positions, `${out}.3`, projected));
  const placed = ops.add(
    positions,
    ops.parameter(`${out}.2.positional_embedding`, [channels, size ** 2 + 1]),
  );
  const asked = ops.conv(placed, `${out}.2.qkv_proj`, { in: channels, out: 3 * channels, kernel: 1 });
  const heads = headsOf(options, channels);
  const answered = ops.attention(asked, { channels, heads, order: 'qkv-heads-channels' });
  return ops.first(ops.conv(answered, `${out}.2.c_proj`, projected));
}
