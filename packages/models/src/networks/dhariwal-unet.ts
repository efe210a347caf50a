import { geometricFrequencies, type Network } from './network.js';
import { type BlockStyle, groupsOf, unetBlock } from './unet-block.js';

/** Options of the U-Net of Dhariwal & Nichol 2021 (ADM) in EDM's checkpoints, by their names there. */
export interface DhariwalUNetOptions {
  readonly type: 'DhariwalUNet';
  readonly img_resolution: number;
  readonly in_channels: number;
  readonly out_channels: number;
  readonly label_dim: number;
  readonly augment_dim: number;
  readonly model_channels: number;
  readonly channel_mult: readonly number[];
  readonly channel_mult_emb: number;
  readonly num_blocks: number;
  readonly attn_resolutions: readonly number[];
}

const EPS = 1e-5;
const CHANNELS_PER_HEAD = 64;

/**
 * ADM's U-Net: scale and shift by the embedding, several heads, a 2×2 box for resampling.
 *
 * Source: Dhariwal & Nichol 2021, arXiv:2105.05233, in the form of Karras et al. 2022, appendix C.2, arXiv:2206.00364.
 */
export function dhariwalUNet(options: DhariwalUNetOptions): Network {
  const { model_channels: width, channel_mult: mults, num_blocks: numBlocks } = options;
  const embeddingWidth = width * options.channel_mult_emb;
  const style: BlockStyle = {
    embedding: embeddingWidth,
    eps: EPS,
    skipScale: 1,
    adaptiveScale: true,
    projectResampled: false,
    filter: [1, 1],
    heads: (channels) => Math.floor(channels / CHANNELS_PER_HEAD),
  };
  const last = mults.length - 1;
  const level = (i: number) => {
    const resolution = options.img_resolution >> i;
    return {
      resolution,
      name: (part: string) => `${resolution}x${resolution}_${part}`,
      attention: options.attn_resolutions.includes(resolution),
    };
  };

  return (ops, { x: image, noise, labels, augment }) => {
    const angles = ops.outer(noise, geometricFrequencies(width / 2, false));
    let embedding = ops.concat([ops.cos(angles), ops.sin(angles)]);
    if (augment !== undefined && options.augment_dim > 0)
      embedding = ops.add(
        embedding,
        ops.linear(augment, 'map_augment', { in: options.augment_dim, out: width, bias: false }),
      );
    embedding = ops.silu(ops.linear(embedding, 'map_layer0', { in: width, out: embeddingWidth }));
    embedding = ops.linear(embedding, 'map_layer1', { in: embeddingWidth, out: embeddingWidth });
    if (labels !== undefined && options.label_dim > 0)
      embedding = ops.add(
        embedding,
        ops.linear(labels, 'map_label', { in: options.label_dim, out: embeddingWidth, bias: false }),
      );
    embedding = ops.silu(embedding);

    let channels = width * mults[0]!;
    let x = image;
    const block = (name: string, cout: number, rest = {}, cin = channels) => {
      x = unetBlock(ops, name, style, { in: cin, out: cout, ...rest }, x, embedding);
      channels = cout;
    };

    let bottleneck: typeof image | undefined;
    const skips: { x: typeof image; channels: number }[] = [];
    for (let i = 0; i <= last; i++) {
      const { resolution, name, attention } = level(i);
      if (i > 0) block(`enc.${name('down')}`, channels, { resample: 'down' });
      else x = ops.conv(x, `enc.${name('conv')}`, { in: options.in_channels, out: channels, kernel: 3 });
      skips.push({ x, channels });
      for (let b = 0; b < numBlocks; b++) {
        block(`enc.${name(`block${b}`)}`, width * mults[i]!, { attention });
        skips.push({ x, channels });
      }
      if (resolution === 8) bottleneck = x;
    }
    for (let i = last; i >= 0; i--) {
      const { name, attention } = level(i);
      if (i === last) {
        block(`dec.${name('in0')}`, channels, { attention: true });
        block(`dec.${name('in1')}`, channels);
      } else {
        block(`dec.${name('up')}`, channels, { resample: 'up' });
      }
      for (let b = 0; b <= numBlocks; b++) {
        const skip = skips.pop()!;
        x = ops.concat([x, skip.x]);
        block(`dec.${name(`block${b}`)}`, width * mults[i]!, { attention }, channels + skip.channels);
      }
    }
    const normed = ops.groupNorm(x, 'out_norm', { channels, groups: groupsOf(channels), eps: EPS });
    const output = ops.conv(ops.silu(normed), 'out_conv', {
      in: channels,
      out: options.out_channels,
      kernel: 3,
    });
    return { output, bottleneck };
  };
}
