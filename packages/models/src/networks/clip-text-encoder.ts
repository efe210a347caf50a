import { type ClipLayersOptions, clipLayers, clipNorm } from './clip-layers.js';
import type { Ops } from './ops.js';

/** Options of CLIP's text encoder, by their names in the transformers library. */
export interface ClipTextOptions extends ClipLayersOptions {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
}

/**
 * Numbers of tokens [n, positions] to the last hidden states, after the final layer norm: [n, positions, width].
 *
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 */
export function clipTextEncoder<T>(ops: Ops<T>, options: ClipTextOptions, numbers: T): T {
  const { vocab_size: count, hidden_size: width, max_position_embeddings: positions } = options;
  const words = ops.embedding(numbers, 'text_model.embeddings.token_embedding', { count, width });
  const places = ops.parameter('text_model.embeddings.position_embedding.weight', [positions, width]);
  const layers = { ...options, causal: true };
  const x = clipLayers(ops, layers, 'text_model.encoder', ops.add(words, places));
  return clipNorm(ops, x, 'text_model.final_layer_norm', width);
}

/**
 * Embeddings [n, dim] of texts, as they are compared with those of images once both have length 1: the hidden state at
 * each text's end, projected.
 *
 * - `numbers`: [n, positions]. `ends`: where each ends, one-hot [n, positions].
 * - Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 */
export function clipTextEmbedding<T>(
  ops: Ops<T>,
  options: ClipTextOptions & { readonly projection_dim: number },
  { numbers, ends }: { readonly numbers: T; readonly ends: T },
): T {
  const hidden = clipTextEncoder(ops, options, numbers);
  const layer = { in: options.hidden_size, out: options.projection_dim, bias: false };
  return ops.linear(ops.token(hidden, ends), 'text_projection', layer);
}
