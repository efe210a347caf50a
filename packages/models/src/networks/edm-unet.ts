import { geometricFrequencies, type Network, type NetworkInputs } from './network.js';
import type { Ops } from './ops.js';
import { type BlockStyle, groupsOf, resampledConv, unetBlock } from './unet-block.js';

/** Options of both U-Nets in EDM's checkpoints, by their names there. */
interface EdmUNetOptions {
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

/** Options of the U-Net of Dhariwal & Nichol 2021 (ADM). */
export interface DhariwalUNetOptions extends EdmUNetOptions {
  readonly type: 'DhariwalUNet';
}

/** Options of the U-Net of Song et al. 2021 (DDPM++ and NCSN++). */
export interface SongUNetOptions extends EdmUNetOptions {
  readonly type: 'SongUNet';
  readonly embedding_type: 'positional' | 'fourier';
  readonly channel_mult_noise: number;
  readonly encoder_type: 'standard' | 'skip' | 'residual';
  readonly decoder_type: 'standard' | 'skip';
  readonly resample_filter: readonly number[];
}

const CHANNELS_PER_HEAD = 64;

const styleOf = (options: SongUNetOptions | DhariwalUNetOptions): BlockStyle => {
  const embedding = options.model_channels * options.channel_mult_emb;
  return options.type === 'SongUNet'
    ? {
        embedding,
        eps: 1e-6,
        skipScale: Math.SQRT1_2,
        adaptiveScale: false,
        projectResampled: true,
        filter: options.resample_filter,
        heads: () => 1,
      }
    : {
        embedding,
        eps: 1e-5,
        skipScale: 1,
        adaptiveScale: true,
        projectResampled: false,
        filter: [1, 1],
        heads: (channels) => Math.floor(channels / CHANNELS_PER_HEAD),
      };
};

/**
 * The networks of EDM's checkpoints: levels of residual blocks down and up again.
 *
 * - `SongUNet`: DDPM++ (positional, standard) and NCSN++ (fourier, residual), and what lies between.
 * - `DhariwalUNet`: ADM's, with scale and shift by the embedding, several heads, a 2×2 box for resampling.
 *
 * Source: Song et al. 2021, arXiv:2011.13456, and Dhariwal & Nichol 2021, arXiv:2105.05233, in the form of Karras et al.
 * 2022, table 1 and appendix C.2, arXiv:2206.00364.
 */
export function edmUNet(options: SongUNetOptions | DhariwalUNetOptions): Network {
  const { model_channels: base, channel_mult: mults, num_blocks: numBlocks } = options;
  const imageChannels = options.out_channels;
  const song = options.type === 'SongUNet' ? options : undefined;
  const style = styleOf(options);
  const { filter, eps } = style;
  const last = mults.length - 1;
  const level = (i: number) => {
    const resolution = options.img_resolution >> i;
    return {
      resolution,
      wide: base * mults[i]!,
      name: (part: string) => `${resolution}x${resolution}_${part}`,
      attends: options.attn_resolutions.includes(resolution),
    };
  };

  return (ops, inputs) => {
    const image = inputs.x;
    const embedding =
      options.type === 'SongUNet'
        ? songEmbedding(ops, options, inputs)
        : dhariwalEmbedding(ops, options, inputs);
    const block = (name: string, cin: number, cout: number, x: typeof image, rest = {}) =>
      unetBlock(ops, name, style, { in: cin, out: cout, ...rest }, x, embedding);

    let x = image;
    let channels = options.in_channels;
    let aux = image;
    let auxChannels = options.in_channels;
    let bottleneck: typeof image | undefined;
    const skips: { x: typeof image; channels: number }[] = [];
    for (let i = 0; i <= last; i++) {
      const { resolution, wide, name, attends } = level(i);
      const enc = (part: string) => `enc.${name(part)}`;
      const keep = () => skips.push({ x, channels });
      if (i === 0) {
        const out = song ? base : wide;
        x = ops.conv(x, enc('conv'), { in: channels, out, kernel: 3 });
        channels = out;
      } else {
        x = block(enc('down'), channels, channels, x, { resample: 'down' });
        const down = { in: auxChannels, resample: 'down', filter } as const;
        if (song?.encoder_type === 'skip') {
          aux = resampledConv(ops, enc('aux_down'), { ...down, out: auxChannels, kernel: 0 }, aux);
          x = ops.add(x, ops.conv(aux, enc('aux_skip'), { in: auxChannels, out: channels, kernel: 1 }));
        }
        if (song?.encoder_type === 'residual') {
          const path = { ...down, out: channels, kernel: 3, fused: true };
          x = ops.affine(ops.add(x, resampledConv(ops, enc('aux_residual'), path, aux)), Math.SQRT1_2, 0);
          aux = x;
          auxChannels = channels;
        }
      }
      keep();
      for (let b = 0; b < numBlocks; b++) {
        x = block(enc(`block${b}`), channels, wide, x, { attention: attends });
        channels = wide;
        keep();
      }
      if (resolution === 8) bottleneck = x;
    }

    let output: typeof image | undefined;
    for (let i = last; i >= 0; i--) {
      const { wide, name, attends } = level(i);
      const dec = (part: string) => `dec.${name(part)}`;
      if (i === last) {
        x = block(dec('in0'), channels, channels, x, { attention: true });
        x = block(dec('in1'), channels, channels, x);
      } else {
        x = block(dec('up'), channels, channels, x, { resample: 'up' });
      }
      for (let b = 0; b <= numBlocks; b++) {
        const skip = skips.pop()!;
        const attention = attends && (!song || b === numBlocks);
        x = block(dec(`block${b}`), channels + skip.channels, wide, ops.concat([x, skip.x]), { attention });
        channels = wide;
      }
      if (i > 0 && song?.decoder_type !== 'skip') continue;
      const up = { in: imageChannels, out: imageChannels, kernel: 0, resample: 'up', filter } as const;
      if (output !== undefined) output = resampledConv(ops, dec('aux_up'), up, output);
      const [norm, conv] = song ? [dec('aux_norm'), dec('aux_conv')] : ['out_norm', 'out_conv'];
      const normed = ops.groupNorm(x, norm, { channels, groups: groupsOf(channels), eps });
      const own = ops.conv(ops.silu(normed), conv, { in: channels, out: imageChannels, kernel: 3 });
      output = output !== undefined ? ops.add(own, output) : own;
    }
    return { output: output!, bottleneck };
  };
}

/** Noise level, classes and augmentation as one vector. */
function songEmbedding<T>(
  ops: Ops<T>,
  options: SongUNetOptions,
  { noise, labels, augment }: NetworkInputs<T>,
): T {
  const { label_dim: numLabels, model_channels: width } = options;
  const channels = width * options.channel_mult_noise;
  const out = width * options.channel_mult_emb;
  const angles = ops.outer(
    noise,
    options.embedding_type === 'positional'
      ? geometricFrequencies(channels / 2, true)
      : { name: 'map_noise.freqs', count: channels / 2, factor: 2 * Math.PI },
  );
  let x = ops.concat([ops.sin(angles), ops.cos(angles)]);
  if (labels !== undefined && numLabels > 0)
    x = ops.add(
      x,
      ops.linear(ops.affine(labels, Math.sqrt(numLabels), 0), 'map_label', { in: numLabels, out: channels }),
    );
  x = augmented(ops, options, x, channels, augment);
  x = ops.silu(ops.linear(x, 'map_layer0', { in: channels, out }));
  return ops.silu(ops.linear(x, 'map_layer1', { in: out, out }));
}

/** The same, classes last. */
function dhariwalEmbedding<T>(
  ops: Ops<T>,
  options: DhariwalUNetOptions,
  { noise, labels, augment }: NetworkInputs<T>,
): T {
  const { label_dim: numLabels, model_channels: width } = options;
  const out = width * options.channel_mult_emb;
  const angles = ops.outer(noise, geometricFrequencies(width / 2, false));
  let x = ops.concat([ops.cos(angles), ops.sin(angles)]);
  x = augmented(ops, options, x, width, augment);
  x = ops.silu(ops.linear(x, 'map_layer0', { in: width, out }));
  x = ops.linear(x, 'map_layer1', { in: out, out });
  if (labels !== undefined && numLabels > 0)
    x = ops.add(x, ops.linear(labels, 'map_label', { in: numLabels, out, bias: false }));
  return ops.silu(x);
}

function augmented<T>(
  ops: Ops<T>,
  { augment_dim: count }: EdmUNetOptions,
  x: T,
  out: number,
  augment: T | undefined,
): T {
  if (augment === undefined || count === 0) return x;
  return ops.add(x, ops.linear(augment, 'map_augment', { in: count, out, bias: false }));
}
