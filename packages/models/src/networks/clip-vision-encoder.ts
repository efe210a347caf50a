import { type ClipLayersOptions, clipLayers, clipNorm } from './clip-layers.js';
import type { Ops } from './ops.js';

/** Options of CLIP's vision encoder, by their names in the transformers library. */
export interface ClipVisionOptions extends ClipLayersOptions {
  /** Height and width of images and of their patches, in pixels. */
  readonly image_size: number;
  readonly patch_size: number;
}

/**
 * Embeddings [n, dim] of images, as they are compared with those of texts once both have length 1: the class token's
 * last hidden state, normed and projected.
 *
 * - `images`: [n, 3, image_size, image_size], each channel less its mean and over its deviation.
 * - Source: Radford et al. 2021, section 2.4, arXiv:2103.00020; a vision transformer, Dosovitskiy et al. 2020,
 *   arXiv:2010.11929, with a layer norm before its layers.
 */
export function clipImageEmbedding<T>(
  ops: Ops<T>,
  options: ClipVisionOptions & { readonly projection_dim: number },
  images: T,
): T {
  const { hidden_size: width, image_size, patch_size, projection_dim } = options;
  const patches = ops.conv(images, 'vision_model.embeddings.patch_embedding', {
    in: 3,
    out: width,
    kernel: patch_size,
    stride: patch_size,
    padding: 0,
    bias: false,
  });
  const tokens = ops.prepend(ops.tokens(patches), 'vision_model.embeddings.class_embedding', width);
  const places = ops.parameter('vision_model.embeddings.position_embedding.weight', [
    1 + (image_size / patch_size) ** 2,
    width,
  ]);
  // so is it spelt in the files
  const x = clipNorm(ops, ops.add(tokens, places), 'vision_model.pre_layrnorm', width);
  const hidden = clipLayers(ops, { ...options, causal: false }, 'vision_model.encoder', x);
  const pooled = clipNorm(ops, ops.token(hidden, 0), 'vision_model.post_layernorm', width);
  return ops.linear(pooled, 'visual_projection', { in: width, out: projection_dim, bias: false });
}
