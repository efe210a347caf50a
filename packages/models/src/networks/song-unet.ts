import { geometricFrequencies, type Network } from './network.js';
import type { Ops } from './ops.js';
import { type BlockStyle, groupsOf, resampledConv, unetBlock } from './unet-block.js';

/** Options of the U-Net of Song et al. 2021 (DDPM++ and NCSN++) in EDM's checkpoints, by their names there. */
export interface SongUNetOptions {
  readonly type: 'SongUNet';
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
  readonly embedding_type: 'positional' | 'fourier';
  readonly channel_mult_noise: number;
  readonly encoder_type: 'standard' | 'skip' | 'residual';
  readonly decoder_type: 'standard' | 'skip';
  readonly resample_filter: readonly number[];
}

const EPS = 1e-6;

/**
 * DDPM++ (positional, standard) and NCSN++ (fourier, residual), and what lies between.
 *
 * Source: Song et al. 2021, arXiv:2011.13456, in the form of Karras et al. 2022, table 1 and appendix C.2,
 * arXiv:2206.00364.
 */
export function songUNet(options: SongUNetOptions): Network {
  const {
    model_channels: base,
    channel_mult: mults,
    num_blocks: numBlocks,
    out_channels: imageChannels,
  } = options;
  const filter = options.resample_filter;
  const style: BlockStyle = {
    embedding: base * options.channel_mult_emb,
    eps: EPS,
    skipScale: Math.SQRT1_2,
    adaptiveScale: false,
    projectResampled: true,
    filter,
    heads: () => 1,
  };
  const last = mults.length - 1;
  const attends = (resolution: number) => options.attn_resolutions.includes(resolution);
  const level = (i: number) => {
    const resolution = options.img_resolution >> i;
    return { resolution, name: (part: string) => `${resolution}x${resolution}_${part}` };
  };

  return (ops, { x: image, noise, labels, augment }) => {
    const embedding = embed(ops, options, noise, labels, augment);
    const block = (name: string, cin: number, cout: number, x: typeof image, rest = {}) =>
      unetBlock(ops, name, style, { in: cin, out: cout, ...rest }, x, embedding);

    let x = image;
    let channels = options.in_channels;
    let aux = image;
    let auxChannels = options.in_channels;
    let bottleneck: typeof image | undefined;
    const skips: { x: typeof image; channels: number }[] = [];
    for (let i = 0; i <= last; i++) {
      const { resolution, name } = level(i);
      const enc = (part: string) => `enc.${name(part)}`;
      const keep = () => skips.push({ x, channels });
      if (i === 0) {
        x = ops.conv(x, enc('conv'), { in: channels, out: base, kernel: 3 });
        channels = base;
      } else {
        x = block(enc('down'), channels, channels, x, { resample: 'down' });
        const down = { in: auxChannels, resample: 'down', filter } as const;
        if (options.encoder_type === 'skip') {
          aux = resampledConv(ops, enc('aux_down'), { ...down, out: auxChannels, kernel: 0 }, aux);
          x = ops.add(x, ops.conv(aux, enc('aux_skip'), { in: auxChannels, out: channels, kernel: 1 }));
        }
        if (options.encoder_type === 'residual') {
          const path = { ...down, out: channels, kernel: 3, fused: true };
          x = ops.affine(ops.add(x, resampledConv(ops, enc('aux_residual'), path, aux)), Math.SQRT1_2, 0);
          aux = x;
          auxChannels = channels;
        }
      }
      keep();
      for (let b = 0; b < numBlocks; b++) {
        const wide = base * mults[i]!;
        x = block(enc(`block${b}`), channels, wide, x, { attention: attends(resolution) });
        channels = wide;
        keep();
      }
      if (resolution === 8) bottleneck = x;
    }

    let output: typeof image | undefined;
    for (let i = last; i >= 0; i--) {
      const { resolution, name } = level(i);
      const dec = (part: string) => `dec.${name(part)}`;
      if (i === last) {
        x = block(dec('in0'), channels, channels, x, { attention: true });
        x = block(dec('in1'), channels, channels, x);
      } else {
        x = block(dec('up'), channels, channels, x, { resample: 'up' });
      }
      for (let b = 0; b <= numBlocks; b++) {
        const skip = skips.pop()!;
        const wide = base * mults[i]!;
        const attention = b === numBlocks && attends(resolution);
        x = block(dec(`block${b}`), channels + skip.channels, wide, ops.concat([x, skip.x]), { attention });
        channels = wide;
      }
      if (options.decoder_type === 'standard' && i > 0) continue;
      const up = { in: imageChannels, out: imageChannels, kernel: 0, resample: 'up', filter } as const;
      if (output !== undefined) output = resampledConv(ops, dec('aux_up'), up, output);
      const norm = { channels, groups: groupsOf(channels), eps: EPS };
      const own = ops.conv(ops.silu(ops.groupNorm(x, dec('aux_norm'), norm)), dec('aux_conv'), {
        in: channels,
        out: imageChannels,
        kernel: 3,
      });
      output = output !== undefined ? ops.add(own, output) : own;
    }
    return { output: output!, bottleneck };
  };
}

/** Noise level, classes and augmentation as one vector. */
function embed<T>(
  ops: Ops<T>,
  options: SongUNetOptions,
  noise: T,
  labels: T | undefined,
  augment: T | undefined,
): T {
  const { label_dim: numLabels, augment_dim: numAugment, model_channels: width } = options;
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
  if (augment !== undefined && numAugment > 0)
    x = ops.add(x, ops.linear(augment, 'map_augment', { in: numAugment, out: channels, bias: false }));
  x = ops.silu(ops.linear(x, 'map_layer0', { in: channels, out }));
  return ops.silu(ops.linear(x, 'map_layer1', { in: out, out }));
}
