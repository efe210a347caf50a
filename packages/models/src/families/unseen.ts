import { count, file, flag, number } from './options.js';

/** What the weights of a U-Net of ADM's kind don't show. */
export const unseen = {
  image_size: count('Height and width of what is denoised, pixels of the image or of the latent.'),
  num_heads: count('Heads of each attention layer; of a classifier, too.'),
  num_head_channels: count('Channels of a head, in place of num_heads; of a classifier, too.'),
};

const beta = { exclusiveMinimum: 0, maximum: 1 };
/** What the file of a latent diffusion model doesn't show. */
export const latentOptions = {
  ...unseen,
  num_attention_heads: count('Heads of the text encoder.'),
  scale_factor: number({ exclusiveMinimum: 0 }, 'What the first stage’s latents are multiplied by.'),
  linear_start: number(
    beta,
    'First β of the noise table, √β evenly spaced; for a file without alphas_cumprod.',
  ),
  linear_end: number(beta, 'Last β of that table.'),
  use_ema: flag('Averaged weights (model_ema.*) where the file has them, as is the default.'),
  first_stage: file(
    'vq-f4/model.ckpt',
    'Checkpoint of the first stage of a latent diffusion model whose file has none (first_stage_model.*), relative to the spec; it comes before one that the file has.',
  ),
};
