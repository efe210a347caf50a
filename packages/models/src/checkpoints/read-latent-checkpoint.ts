import { statSync } from 'node:fs';
import { checkpointFault, withPath } from '../errors.js';
import type { Told } from '../families/options.js';
import type { latentOptions } from '../families/unseen.js';
import { openStateDict } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import type { LatentCheckpoint } from './checkpoint.js';
import { openDiffusers } from './diffusers-folder.js';
import { type DiffusersPart, fromDiffusers } from './diffusers-names.js';
import { withFirstStage } from './first-stage-file.js';
import { assembleLatent, type LatentSource } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';

/** The same, and the file of its first stage (VQ-f4, KL-f8, …), which is taken instead of one in the model's file. */
export type LatentCheckpointOptions = LatentOptions & Pick<Told<typeof latentOptions>, 'first_stage'>;

/**
 * Reads a latent diffusion model: the denoiser, the first stage's decoder and, where it has one, the text encoder.
 *
 * - A file in the original layout, LDM's or Stable Diffusion's `.ckpt` or `.safetensors`; or a folder in diffusers'
 *   layout, whose configurations are read too.
 * - `options` say what shapes don't show, and come before what the file says.
 * - Memory: the weights that are used, once, in the file's precision.
 *
 * Source: Rombach et al. 2022, arXiv:2112.10752.
 * @throws ModelError `E_CHECKPOINT`, with `path` and the lists `missing`, `unexpected` and `wrongShape` of weights, by
 * the original layout's names; the errors of `openStateDict`.
 */
export async function readLatentCheckpoint(
  path: string,
  { first_stage, ...options }: LatentCheckpointOptions = {},
): Promise<LatentCheckpoint> {
  const isFolder = isFolderAt(path);
  if (isFolder && first_stage !== undefined)
    throw checkpointFault(
      `${path}: a folder in diffusers' layout has its own first stage, vae: leave first_stage out`,
      { path },
    );
  const opened = isFolder ? await openDiffusers(path) : await openOriginal(path);
  try {
    if (first_stage === undefined) return withPath(path, () => assembleLatent(opened.source, options));
    const first = await openOriginal(first_stage);
    try {
      const source = withPath(first_stage, () => withFirstStage(opened.source, first.source));
      return withPath(path, () => assembleLatent(source, options));
    } finally {
      first.close();
    }
  } finally {
    opened.close();
  }
}

/** The same from tensors in memory, under the names of the original layout. @throws as `readLatentCheckpoint`. */
export const parseLatentCheckpoint = (tensors: Tensors, options: LatentOptions = {}): LatentCheckpoint =>
  assembleLatent(memory(tensors), options);

/** The same from the tensors of a model in diffusers' layout. @throws as `readLatentCheckpoint`. */
export const parseDiffusersCheckpoint = (
  { unet, vae, text_encoder }: Readonly<Record<DiffusersPart, Tensors>>,
  options: LatentOptions = {},
): LatentCheckpoint => {
  const parts = { unet: memory(unet), vae: memory(vae), text_encoder: memory(text_encoder) };
  return assembleLatent(fromDiffusers(parts), options);
};

const isFolderAt = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const memory = (tensors: Tensors): LatentSource => ({ tensors, read: (name) => tensors[name]! });

async function openOriginal(path: string) {
  if (isFolderAt(path))
    throw checkpointFault(`${path} is a folder: give the file of weights in it`, { path });
  const dict = await openStateDict(path);
  return {
    source: {
      tensors: Object.fromEntries(dict.tensors),
      read: (name: string) => dict.read(name)['']!,
    },
    close: () => dict.close(),
  };
}
