import type { LatentOptions } from './latent-options.js';

/** What the fixture sd-tiny.ckpt does not show. */
export const sdTiny = {
  num_heads: 4,
  image_size: 16,
  parametrization: 'eps',
  scale_factor: 0.18215,
  num_attention_heads: 4,
  hidden_act: 'quick_gelu',
} satisfies LatentOptions;
