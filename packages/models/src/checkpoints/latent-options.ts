import { checkpointFault } from '../errors.js';
import type { Told } from '../families/options.js';
import type { latentOptions } from '../families/unseen.js';
import type { ClipTextOptions } from '../networks/clip-text-encoder.js';
import type { FirstStageOptions } from '../networks/first-stage-decoder.js';
import type { LatentUNetOptions } from '../networks/latent-unet.js';
import type { Shaped } from '../networks/parameters.js';
import { inferUNetOptions, type UnseenOptions } from './guided-options.js';

/**
 * What weights don't tell of a latent diffusion model, by the names in its configuration. Left out: what the file says,
 * else 8 heads with cross attention, as in SD v1, and heads of 32 channels without, as in LDM's own models; latents with
 * 8×8 positions at the last level; a scale factor of 0.18215 with cross attention, else 1; of the text encoder, a head for
 * 64 entries of a token. `linear_start` and `linear_end` are needed where the file has no `alphas_cumprod`.
 */
export interface LatentOptions
  extends Omit<Told<typeof latentOptions>, 'first_stage'>,
    Pick<UnseenOptions, 'num_heads_upsample' | 'attention_order'> {
  /** Activation of the text encoder; by default CLIP's own, `quick_gelu`. */
  readonly hidden_act?: ClipTextOptions['hidden_act'];
}

/** Numbers from 0 that stand at the place of `#` in some name. */
export function countOf(names: Iterable<string>, place: string): number {
  const [start, end] = place.split('#') as [string, string];
  const found = new Set<number>();
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const digits = /^\d+/.exec(name.slice(start.length))?.[0];
    if (digits !== undefined && name.startsWith(end, start.length + digits.length)) found.add(Number(digits));
  }
  let count = 0;
  while (found.has(count)) count++;
  return count;
}

function sizesOf(weights: Shaped, name: string): readonly number[] {
  const shape = Object.hasOwn(weights, name) ? weights[name]!.shape : undefined;
  if (shape && shape.length >= 2 && shape.every((n) => n >= 1)) return shape;
  throw checkpointFault(
    `this is no latent diffusion model: ${shape ? `${name} has the shape [${shape}]` : `it has no ${name}`}`,
    { missing: shape ? [] : [name], wrongShape: shape ? [name] : [] },
  );
}

/** The U-Net that these weights belong to. */
export function latentUNetOptions(weights: Shaped, options: LatentOptions): LatentUNetOptions {
  const { num_heads, num_head_channels, image_size, num_heads_upsample, attention_order } = options;
  const block = 'middle_block.1.transformer_blocks.#.';
  const depth = countOf(Object.keys(weights), block);
  const transformer = depth > 0 && {
    depth,
    context_dim: sizesOf(weights, `${block.replace('#', '0')}attn2.to_k.weight`)[1]!,
  };
  const given = num_heads !== undefined || num_head_channels !== undefined;
  const [heads, perHead] = given ? [num_heads, num_head_channels] : transformer ? [8, -1] : [-1, 32];
  const network = inferUNetOptions(weights, {
    num_heads: heads ?? -1,
    num_head_channels: perHead ?? -1,
    ...(num_heads_upsample !== undefined && { num_heads_upsample }),
    ...(attention_order !== undefined && { attention_order }),
    ...(image_size !== undefined && { image_size }),
  });
  return { ...network, ...(transformer && { transformer }) };
}

/** The decoder that these weights of a first stage belong to. */
export function firstStageOptions(weights: Shaped): FirstStageOptions {
  const [z_channels, embed_dim] = sizesOf(weights, 'post_quant_conv.weight') as [number, number];
  const names = Object.keys(weights);
  const levels = Math.max(1, countOf(names, 'decoder.up.#.'));
  const channels = Array.from(
    { length: levels },
    (_, i) => sizesOf(weights, `decoder.up.${i}.block.0.conv1.weight`)[0]!,
  );
  const [out_ch, ch] = sizesOf(weights, 'decoder.conv_out.weight') as [number, number];
  return {
    embed_dim,
    n_embed: Object.hasOwn(weights, 'quantize.embedding.weight')
      ? sizesOf(weights, 'quantize.embedding.weight')[0]!
      : 0,
    z_channels,
    out_ch,
    ch,
    ch_mult: channels.map((n) => n / ch),
    num_res_blocks: countOf(names, 'decoder.up.0.block.#.') - 1,
    attn_type: Object.hasOwn(weights, 'decoder.mid.attn_1.norm.weight') ? 'vanilla' : 'none',
    attn_levels: channels.flatMap((_, i) =>
      Object.hasOwn(weights, `decoder.up.${i}.attn.0.norm.weight`) ? [i] : [],
    ),
  };
}

/** The text encoder that these weights belong to. */
export function clipTextOptions(
  weights: Shaped,
  { num_attention_heads, hidden_act = 'quick_gelu' }: LatentOptions,
): ClipTextOptions {
  const [vocab_size, hidden_size] = sizesOf(weights, 'text_model.embeddings.token_embedding.weight') as [
    number,
    number,
  ];
  const names = Object.keys(weights);
  return {
    vocab_size,
    hidden_size,
    max_position_embeddings: sizesOf(weights, 'text_model.embeddings.position_embedding.weight')[0]!,
    intermediate_size: sizesOf(weights, 'text_model.encoder.layers.0.mlp.fc1.weight')[0]!,
    num_hidden_layers: countOf(names, 'text_model.encoder.layers.#.'),
    num_attention_heads: num_attention_heads ?? Math.max(1, Math.floor(hidden_size / 64)),
    hidden_act,
  };
}
