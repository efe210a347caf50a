import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { family, hasTensors, type Look } from './family.js';
import { unseen } from './guided.js';
import { count, file, flag, number, type Told } from './options.js';

const beta = { exclusiveMinimum: 0, maximum: 1 };
/** What a model's file doesn't show. */
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

/** Rombach et al. 2022, arXiv:2112.10752, without prompts or with them. */
const latent = {
  what: 'latent diffusion’s',
  options: latentOptions,
  async read({ path }: Look, told: Told<typeof latentOptions>) {
    const { readLatentCheckpoint } = await import('../checkpoints/read-latent-checkpoint.js');
    return readLatentCheckpoint(path, told);
  },
  async inspect({ tensors }: Look) {
    const { planLatent } = await import('../checkpoints/latent-checkpoint.js');
    return planLatent(tensors, {});
  },
};

const hasUNet = hasTensors('model.diffusion_model.input_blocks.0.0.weight');
const hasTextEncoder = hasTensors(
  'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight',
);

/** Latent diffusion without prompts. */
export const ldm = family({
  name: 'ldm',
  files: 'latent diffusion',
  ...latent,
  isOf: (look) => hasUNet(look) && !hasTextEncoder(look),
  guidance: 'uncond',
});

/** With CLIP's text encoder: a file, or a folder in diffusers' layout. */
export const stableDiffusion = family({
  name: 'stable-diffusion',
  files: 'Stable Diffusion (.ckpt, .safetensors)',
  ...latent,
  isOf: (look) =>
    look.isFolder ? existsSync(join(look.path, 'text_encoder')) : hasUNet(look) && hasTextEncoder(look),
  guidance: 'cfg',
});
