import { checkpointFault, type ModelError, withPath } from '../errors.js';
import type { Look } from '../families/family.js';
import { parts } from '../families/parts.js';
import { type CheckpointOptions, families } from '../families/registry.js';
import { isFolderAt } from '../files/source.js';
import { askedOf, asking } from './asking.js';
import type { Checkpoint } from './checkpoint.js';
import { noModelFolder } from './diffusers-folder.js';
import { checkNames, identify } from './identify.js';
import { lookAt } from './look.js';

/**
 * Reads a checkpoint of any family, by what the file holds: EDM's pickles, Consistency Models' and ADM's `.pt`, latent
 * diffusion's and Stable Diffusion's `.ckpt` or `.safetensors`, and folders in diffusers' layout.
 *
 * What a file can't say of its network is known by the name of a published file, or must be told: `family`, where it may
 * be of several, and that family's options.
 * @throws ModelError `E_CHECKPOINT`, with `path` in `evidence`, for what is no denoiser, or an option that its family
 * doesn't have; with `asked` in `evidence` where something must be told; the errors of the family's own reader.
 */
export async function readCheckpoint(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const { family: told, ...others } = options;
  const isFolder = isFolderAt(path);
  const look: Look = isFolder ? { path, isFolder, tensors: {} } : await lookAt(path, options.use_ema);
  const { candidates } = withPath(path, () => identify(look, told));
  const [family, ...more] = candidates;
  if (!family) throw isFolder ? noModelFolder(path) : noDenoiser(look);
  if (more.length > 0)
    return withPath(path, async () => Promise.reject(asking(await askedOf(candidates, look, others))));
  return withPath(path, () => {
    checkNames(family, others);
    return family.read(look, others);
  });
}

function noDenoiser(look: Look): ModelError {
  const { path } = look;
  const part = parts.find(({ isOf }) => isOf(look));
  const remedy =
    part?.remedy ??
    `its tensors are of no network that is known: ${[...new Set(families.map(({ what }) => what))].join(', ')}`;
  return checkpointFault(`${path}: ${remedy}`, { path, family: part?.name });
}
