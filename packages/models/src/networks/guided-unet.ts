import { guidedAttention, guidedBlock, guidedNorm, type Modulation } from './guided-block.js';
import { geometricFrequencies, type Network } from './network.js';
import type { AttentionOrder, Ops } from './ops.js';
import type { Differentiable } from './reverse.js';

/** Options of the U-Net of Dhariwal & Nichol 2021 and of its encoder, by their names in the files' repositories. */
export interface GuidedUNetOptions {
  readonly image_size: number;
  readonly in_channels: number;
  /** Of the image, or the number of classes that a classifier tells apart. */
  readonly out_channels: number;
  readonly model_channels: number;
  readonly channel_mult: readonly number[];
  readonly num_res_blocks: number;
  /** Factors by which the image is smaller at the levels with attention. */
  readonly attention_resolutions: readonly number[];
  /** Classes that the network is told; 0: none. */
  readonly num_classes: number;
  /** Channels of a head, or -1: `num_heads` heads at every level. */
  readonly num_head_channels: number;
  readonly num_heads: number;
  /** Heads of the decoder where `num_head_channels` is -1; -1: as many as the encoder's. */
  readonly num_heads_upsample: number;
  readonly use_scale_shift_norm: boolean;
  /** Resampling inside of residual blocks; false: by a convolution of its own. */
  readonly resblock_updown: boolean;
  readonly attention_order: AttentionOrder;
  /** How a classifier comes to one vector: by the mean of all positions alone, or, by default, as it attends to them. */
  readonly pool?: 'adaptive';
}

/** What mixes the positions at the levels with attention, added to `x`. */
export type Mixer = <T>(ops: Ops<T>, name: string, shape: MixerShape, x: T, context: T | undefined) => T;

interface MixerShape {
  readonly channels: number;
  readonly heads: number;
}

/**
 * The U-Net of ADM and of Consistency Models. It sees the time step as `noise`. Its bottleneck is the output of
 * `middle_block`, where that has 8×8 positions. `mix`: self-attention by default.
 *
 * Source: Dhariwal & Nichol 2021, arXiv:2105.05233; Song et al. 2023, arXiv:2303.01469.
 */
export function guidedUNet(
  options: GuidedUNetOptions,
  mix: Mixer = (ops, name, shape, x) =>
    guidedAttention(ops, name, { ...shape, order: options.attention_order }, x),
): Network {
  const { model_channels: width, channel_mult: mults, num_res_blocks: numBlocks } = options;
  const last = mults.length - 1;

  return (ops, { x: image, noise, labels, context }) => {
    const modulate = modulation(ops, options, noise, labels);
    const mixed = (name: string, shape: MixerShape, y: typeof image) => mix(ops, name, shape, y, context);
    const encoded = guidedEncoder(ops, options, image, modulate, mixed);
    const { skips } = encoded;
    let { x, channels } = encoded;
    for (let i = last, k = 0; i >= 0; i--) {
      for (let b = 0; b <= numBlocks; b++, k++) {
        const skip = skips.pop()!;
        const wide = width * mults[i]!;
        const block = `output_blocks.${k}`;
        const joined = ops.concat([x, skip.x]);
        x = guidedBlock(ops, `${block}.0`, { in: channels + skip.channels, out: wide }, joined, modulate);
        channels = wide;
        const attends = attendsAt(options, i);
        if (attends) x = mixed(`${block}.1`, { channels, heads: headsOf(options, channels, 'decoder') }, x);
        if (i === 0 || b < numBlocks) continue;
        const up = `${block}.${attends ? 2 : 1}`;
        x = options.resblock_updown
          ? guidedBlock(ops, up, { in: channels, out: channels, resample: 'up' }, x, modulate)
          : ops.conv(ops.enlarge(x), `${up}.conv`, { in: channels, out: channels, kernel: 3 });
      }
    }
    const normed = ops.silu(guidedNorm(ops, x, 'out.0', channels));
    const output = ops.conv(normed, 'out.2', { in: channels, out: options.out_channels, kernel: 3 });
    return { output, bottleneck: options.image_size >> last === 8 ? encoded.x : undefined };
  };
}

/** The descending half and the middle, whose output is `x`; `prefix` stands before the names of its parameters. */
export function guidedEncoder<T>(
  ops: Differentiable<T>,
  options: GuidedUNetOptions,
  image: T,
  modulate: Modulation<T>,
  mix: (name: string, shape: MixerShape, x: T) => T,
  prefix = '',
) {
  const { model_channels: width, channel_mult: mults, num_res_blocks: numBlocks } = options;
  let channels = width * mults[0]!;
  let x = ops.conv(image, `${prefix}input_blocks.0.0`, { in: options.in_channels, out: channels, kernel: 3 });
  const skips = [{ x, channels }];
  const keep = () => skips.push({ x, channels });
  const attend = (name: string) => mix(name, { channels, heads: headsOf(options, channels) }, x);
  for (const [i, mult] of mults.entries()) {
    if (i > 0) {
      const down = `${prefix}input_blocks.${skips.length}.0`;
      x = options.resblock_updown
        ? guidedBlock(ops, down, { in: channels, out: channels, resample: 'down' }, x, modulate)
        : ops.conv(x, `${down}.op`, { in: channels, out: channels, kernel: 3, stride: 2 });
      keep();
    }
    for (let b = 0; b < numBlocks; b++) {
      const block = `${prefix}input_blocks.${skips.length}`;
      x = guidedBlock(ops, `${block}.0`, { in: channels, out: width * mult }, x, modulate);
      channels = width * mult;
      if (attendsAt(options, i)) x = attend(`${block}.1`);
      keep();
    }
  }
  const middle = `${prefix}middle_block`;
  const same = { in: channels, out: channels };
  x = guidedBlock(ops, `${middle}.0`, same, x, modulate);
  x = attend(`${middle}.1`);
  x = guidedBlock(ops, `${middle}.2`, same, x, modulate);
  return { x, channels, skips };
}

/** Embeds the time step, and the class where there are some; gives what every block takes from that. */
export function modulation<T>(
  ops: Ops<T>,
  options: GuidedUNetOptions,
  timestep: T,
  labels: T | undefined,
  prefix = '',
): Modulation<T> {
  const { model_channels: width, num_classes: numClasses, use_scale_shift_norm: scales } = options;
  const embeddingWidth = 4 * width;
  const angles = ops.outer(timestep, geometricFrequencies(width / 2, false));
  const frequencies = ops.concat([ops.cos(angles), ops.sin(angles)]);
  const first = ops.silu(
    ops.linear(frequencies, `${prefix}time_embed.0`, { in: width, out: embeddingWidth }),
  );
  let embedding = ops.linear(first, `${prefix}time_embed.2`, { in: embeddingWidth, out: embeddingWidth });
  if (numClasses > 0 && labels !== undefined)
    embedding = ops.add(
      embedding,
      ops.lookup(labels, `${prefix}label_emb`, { count: numClasses, width: embeddingWidth }),
    );
  const active = ops.silu(embedding);
  return (block, channels) => {
    const out = scales ? 2 * channels : channels;
    const condition = ops.linear(active, `${block}.emb_layers.1`, { in: embeddingWidth, out });
    if (!scales) return { shift: condition };
    const [scale, shift] = ops.halves(condition);
    return { shift, scale: ops.affine(scale, 1, 1) };
  };
}

const attendsAt = (options: GuidedUNetOptions, level: number) =>
  options.attention_resolutions.includes(2 ** level);

export function headsOf(
  options: GuidedUNetOptions,
  channels: number,
  half: 'encoder' | 'decoder' = 'encoder',
): number {
  const { num_head_channels: perHead, num_heads: heads, num_heads_upsample: upper } = options;
  if (perHead !== -1) return channels / perHead;
  return half === 'decoder' && upper !== -1 ? upper : heads;
}
