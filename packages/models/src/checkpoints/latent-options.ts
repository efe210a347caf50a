import { checkpointFault } from '../errors.js';
import type { Told } from '../families/options.js';
import type { latentOptions } from '../families/unseen.js';
import type { ClipTextOptions } from '../networks/clip-text-encoder.js';
import type { FirstStageOptions } from '../networks/first-stage-decoder.js';
import type { LatentUNetOptions } from '../networks/latent-unet.js';
import type { Shaped } from '../networks/parameters.js';
import { neutral, type ShownOptions, shownUNet, type UnseenOptions, withUnseen } from './guided-options.js';

/**
 * What weights don't tell of a latent diffusion model, by the names in its configuration. Of published models all of it is
 * known, by their shapes, and a folder in diffusers' layout says it; of others what the file doesn't show must be told.
 */
export type LatentOptions = Omit<Told<typeof latentOptions>, 'first_stage'> &
  Pick<UnseenOptions, 'num_heads_upsample'>;

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

/** What the weights of a latent diffusion model's U-Net show; its heads, and the size of what it denoises, they don't. */
export type ShownLatentUNet = ShownOptions & Pick<LatentUNetOptions, 'transformer'>;

/** @throws ModelError `E_CHECKPOINT` for weights of no such network */
export function shownLatentUNet(weights: Shaped): ShownLatentUNet {
  const block = 'middle_block.1.transformer_blocks.#.';
  const depth = countOf(Object.keys(weights), block);
  const shown = shownUNet(weights);
  if (depth === 0) return shown;
  const context_dim = sizesOf(weights, `${block.replace('#', '0')}attn2.to_k.weight`)[1]!;
  return { ...shown, transformer: { depth, context_dim } };
}

/** The U-Net that shows this, of which what is left open is neutral. @throws ModelError `E_CHECKPOINT` for options that don't fit it */
export function latentUNetOptions(
  { transformer, ...shown }: ShownLatentUNet,
  {
    image_size = neutral.image_size,
    attention_order = neutral.attention_order,
    num_heads_upsample = neutral.num_heads_upsample,
    ...told
  }: LatentOptions,
): LatentUNetOptions {
  const given = told.num_heads !== undefined || told.num_head_channels !== undefined;
  const { num_heads = -1, num_head_channels = -1 } = given ? told : neutral;
  const heads = { num_heads, num_head_channels, num_heads_upsample };
  const network = withUnseen(shown, { ...heads, image_size, attention_order });
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

/** What the weights of a text encoder show; its heads and its activation they don't. */
export function shownTextEncoder(
  weights: Shaped,
): Omit<ClipTextOptions, 'num_attention_heads' | 'hidden_act'> {
  const [vocab_size, hidden_size] = sizesOf(weights, 'text_model.embeddings.token_embedding.weight') as [
    number,
    number,
  ];
  return {
    vocab_size,
    hidden_size,
    max_position_embeddings: sizesOf(weights, 'text_model.embeddings.position_embedding.weight')[0]!,
    intermediate_size: sizesOf(weights, 'text_model.encoder.layers.0.mlp.fc1.weight')[0]!,
    num_hidden_layers: countOf(Object.keys(weights), 'text_model.encoder.layers.#.'),
  };
}
