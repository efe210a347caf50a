import type { Ops } from './ops.js';

/** Options of the decoder of a latent diffusion model's first stage, by their names in its repository. */
export interface FirstStageOptions {
  /** Channels of a latent. */
  readonly embed_dim: number;
  /** Vectors of the codebook of a VQ model; 0: a KL model, which has none. */
  readonly n_embed: number;
  readonly z_channels: number;
  readonly out_ch: number;
  readonly ch: number;
  readonly ch_mult: readonly number[];
  readonly num_res_blocks: number;
  /** `none`: without attention in the middle too. */
  readonly attn_type: 'vanilla' | 'none';
  /** Levels, from 0 for the image's size, with attention after each block. */
  readonly attn_levels: readonly number[];
}

const GROUPS = 32;
const EPS = 1e-6;

/**
 * Latents to images: with a codebook, each position's nearest vector first, whose numbers are the `codes`. The picture is larger by 2 for each level
 * but one.
 *
 * Source: Rombach et al. 2022, section 3.1, arXiv:2112.10752; Esser et al. 2021, arXiv:2012.09841.
 */
export function firstStageDecoder<T>(ops: Ops<T>, options: FirstStageOptions, latents: T) {
  const { embed_dim: width, n_embed: count, z_channels, ch, ch_mult: mults } = options;
  const last = mults.length - 1;
  const quantized = count > 0 ? ops.nearestRow(latents, 'quantize.embedding', { count, width }) : undefined;
  let x = ops.conv(quantized?.row ?? latents, 'post_quant_conv', { in: width, out: z_channels, kernel: 1 });
  let channels = ch * mults[last]!;
  x = ops.conv(x, 'decoder.conv_in', { in: z_channels, out: channels, kernel: 3 });
  x = residual(ops, 'decoder.mid.block_1', channels, channels, x);
  if (options.attn_type !== 'none') x = attention(ops, 'decoder.mid.attn_1', channels, x);
  x = residual(ops, 'decoder.mid.block_2', channels, channels, x);
  for (let i = last; i >= 0; i--) {
    const wide = ch * mults[i]!;
    for (let b = 0; b <= options.num_res_blocks; b++) {
      x = residual(ops, `decoder.up.${i}.block.${b}`, channels, wide, x);
      channels = wide;
      if (options.attn_levels.includes(i)) x = attention(ops, `decoder.up.${i}.attn.${b}`, channels, x);
    }
    const same = { in: channels, out: channels, kernel: 3 };
    if (i > 0) x = ops.conv(ops.enlarge(x), `decoder.up.${i}.upsample.conv`, same);
  }
  const normed = ops.silu(norm(ops, 'decoder.norm_out', channels, x));
  const images = ops.conv(normed, 'decoder.conv_out', { in: channels, out: options.out_ch, kernel: 3 });
  return { images, codes: quantized?.number };
}

const norm = <T>(ops: Ops<T>, name: string, channels: number, x: T) =>
  ops.groupNorm(x, name, { channels, groups: GROUPS, eps: EPS });

function residual<T>(ops: Ops<T>, name: string, cin: number, cout: number, x: T): T {
  const half = (y: T, i: number, from: number) =>
    ops.conv(ops.silu(norm(ops, `${name}.norm${i}`, from, y)), `${name}.conv${i}`, {
      in: from,
      out: cout,
      kernel: 3,
    });
  const branch = half(half(x, 1, cin), 2, cout);
  const skip = cin === cout ? x : ops.conv(x, `${name}.nin_shortcut`, { in: cin, out: cout, kernel: 1 });
  return ops.add(skip, branch);
}

/** Self-attention with one head. */
function attention<T>(ops: Ops<T>, name: string, channels: number, x: T): T {
  const conv = (y: T, layer: string) =>
    ops.conv(y, `${name}.${layer}`, { in: channels, out: channels, kernel: 1 });
  const normed = norm(ops, `${name}.norm`, channels, x);
  const part = (layer: string) => ops.tokens(conv(normed, layer));
  const mixed = ops.attend(part('q'), part('k'), part('v'), { heads: 1 });
  return ops.add(x, conv(ops.featureMap(mixed, x), 'proj_out'));
}
