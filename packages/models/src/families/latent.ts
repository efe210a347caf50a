import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { family, hasTensors, type Look } from './family.js';
import { FIRST_OF_MODEL, unreadModels } from './latent-kin.js';
import type { Told } from './options.js';
import { latentOptions } from './unseen.js';

/** Rombach et al. 2022, arXiv:2112.10752, without prompts or with them. */
const latent = {
  what: 'latent diffusion’s',
  latents: true,
  inspectsAsRead: true,
  options: latentOptions,
  async read({ path }: Look, told: Told<typeof latentOptions>) {
    const { readLatentCheckpoint } = await import('../checkpoints/read-latent-checkpoint.js');
    return readLatentCheckpoint(path, told);
  },
  async inspect({ path }: Look, told: Told<typeof latentOptions> = {}) {
    const { inspectLatent } = await import('../checkpoints/inspect-latent.js');
    return inspectLatent(path, told);
  },
};

const isRead = (look: Look) =>
  hasTensors(FIRST_OF_MODEL)(look) && !unreadModels.some(({ isOf }) => isOf(look));
const hasTextEncoder = hasTensors(
  'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight',
);

/** Latent diffusion without prompts. */
export const ldm = family({
  name: 'ldm',
  files: 'latent diffusion',
  ...latent,
  isOf: (look) => isRead(look) && !hasTextEncoder(look),
  guidance: 'uncond',
});

/** With CLIP's text encoder: a file, or a folder in diffusers' layout. */
export const stableDiffusion = family({
  name: 'stable-diffusion',
  files: 'Stable Diffusion (.ckpt, .safetensors)',
  ...latent,
  isOf: (look) =>
    look.isFolder ? existsSync(join(look.path, 'text_encoder')) : isRead(look) && hasTextEncoder(look),
  guidance: 'cfg',
});
