import { checkpointFault, withPath } from '../errors.js';
import type { Told } from '../families/options.js';
import type { latentOptions } from '../families/unseen.js';
import { isFolderAt } from '../files/source.js';
import { openStateDict } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import type { LatentCheckpoint } from './checkpoint.js';
import { openDiffusers } from './diffusers-folder.js';
import { type DiffusersPart, fromDiffusers } from './diffusers-names.js';
import { withFirstStage } from './first-stage-file.js';
import { assembleLatent, type LatentSource } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';
import { unwrapped } from './look.js';

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
  const { source, close } = await openLatent(path, { first_stage, use_ema: options.use_ema });
  try {
    return withPath(path, () => assembleLatent(source, options));
  } finally {
    close();
  }
}

/** Opens the tensors of a model, with the first stage of another file where one is told. @throws as `readLatentCheckpoint` */
export async function openLatent(
  path: string,
  { first_stage, use_ema }: { readonly [N in 'first_stage' | 'use_ema']: LatentCheckpointOptions[N] },
): Promise<{ readonly source: LatentSource; readonly isFolder: boolean; close(): void }> {
  const isFolder = isFolderAt(path);
  if (isFolder && first_stage !== undefined)
    throw checkpointFault(
      `${path}: a folder in diffusers' layout has its own first stage, vae: leave first_stage out`,
      { path },
    );
  const opened = isFolder ? await openDiffusers(path) : await openOriginal(path, use_ema);
  if (first_stage === undefined) return { ...opened, isFolder };
  try {
    const first = await openOriginal(first_stage);
    const close = () => {
      first.close();
      opened.close();
    };
    try {
      const source = withPath(first_stage, () => withFirstStage(opened.source, first.source));
      return { source, isFolder, close };
    } catch (cause) {
      first.close();
      throw cause;
    }
  } catch (cause) {
    opened.close();
    throw cause;
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

const memory = (tensors: Tensors): LatentSource => ({ tensors, read: (name) => tensors[name]! });

/** Opens the tensors of a file by the original names. @throws as `readLatentCheckpoint` */
export async function openOriginal(
  path: string,
  use_ema?: boolean,
): Promise<{ source: LatentSource; close(): void }> {
  if (isFolderAt(path))
    throw checkpointFault(`${path} is a folder: give the file of weights in it`, { path });
  const dict = await openStateDict(path);
  try {
    const whole = { tensors: Object.fromEntries(dict.tensors) as unknown as Tensors };
    const { tensors, prefix = '', averaged } = withPath(path, () => unwrapped(whole, use_ema));
    return {
      source: {
        tensors,
        read: (name) => dict.read(`${prefix}${name}`)['']!,
        ...(averaged !== undefined && { averaged }),
      },
      close: () => dict.close(),
    };
  } catch (cause) {
    dict.close();
    throw cause;
  }
}
