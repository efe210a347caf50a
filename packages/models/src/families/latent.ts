import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { family, hasTensors, type Look } from './family.js';
import type { Told } from './options.js';
import { latentOptions } from './unseen.js';

/** Rombach et al. 2022, arXiv:2112.10752, without prompts or with them. */
const latent = {
  what: 'latent diffusion’s',
  latents: true,
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
