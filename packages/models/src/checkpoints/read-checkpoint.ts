import { statSync } from 'node:fs';
import { atPath, ModelError } from '../errors.js';
import type { PickleValue } from '../files/pickle.js';
import { openTensorsAt } from '../files/state-dict.js';
import type { TensorFile } from '../files/tensor-file.js';
import type { Checkpoint } from './checkpoint.js';
import { edmCheckpoint, readEdmCheckpoint } from './edm-checkpoint.js';
import { familyOf } from './family.js';
import { readAdmCheckpoint, readCmCheckpoint } from './guided-checkpoint.js';
import { type LatentCheckpointOptions, readLatentCheckpoint } from './read-latent-checkpoint.js';

/** What a checkpoint's weights don't show, and files that belong to it. */
export interface CheckpointOptions extends LatentCheckpointOptions {
  /** ADM's classifier. */
  readonly classifier?: string;
}

type Option = keyof CheckpointOptions;
type Reader = (path: string, options: CheckpointOptions) => Promise<Checkpoint>;

const unseen = ['image_size', 'num_heads', 'num_head_channels'] as const;
const latent = [
  ...unseen,
  'scale_factor',
  'linear_start',
  'linear_end',
  'use_ema',
  'num_attention_heads',
  'first_stage',
] as const;

/** How each kind of checkpoint is read, and which options it has. */
const readers = {
  edm: { what: 'EDM’s', options: [], read: readEdmCheckpoint },
  cm: { what: 'Consistency Models’', options: unseen, read: readCmCheckpoint },
  adm: {
    what: 'ADM’s',
    options: [...unseen, 'classifier'],
    read: (diffusion, { classifier, ...options }) =>
      readAdmCheckpoint(
        { diffusion, ...(classifier !== undefined && { classifier }) },
        { diffusion: options, classifier: withoutSize(options) },
      ),
  },
  ldm: { what: 'latent diffusion’s', options: latent, read: readLatentCheckpoint },
} satisfies Record<string, { what: string; options: readonly Option[]; read: Reader }>;

const withoutSize = ({ image_size: _, ...options }: CheckpointOptions) => options;

/**
 * Reads a checkpoint of any family, by what the file holds: EDM's pickles, Consistency Models' and ADM's `.pt`, latent
 * diffusion's and Stable Diffusion's `.ckpt` or `.safetensors`, and folders in diffusers' layout.
 *
 * Options of heads are the classifier's, too.
 * @throws ModelError `E_CHECKPOINT`, with `path` in `evidence`, for what is no denoiser, or an option that its family
 * doesn't have; the errors of the family's own reader.
 */
export async function readCheckpoint(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const { kind, pickled } = await look(path);
  const { what, options: known, read } = readers[kind];
  const strange = Object.keys(options).filter((name) => !known.includes(name as never));
  if (strange.length > 0)
    throw new ModelError(
      'E_CHECKPOINT',
      `${path}: nothing reads ${strange.join(', ')}, for it is ${what} checkpoint, which ${
        known.length > 0 ? `has ${known.join(', ')} to tell` : 'tells everything itself'
      }`,
      { path, strange },
    );
  if (pickled === undefined) return (read as Reader)(path, options);
  try {
    return edmCheckpoint(pickled);
  } catch (cause) {
    throw atPath(path, cause);
  }
}

interface Look {
  readonly kind: keyof typeof readers;
  /** What the pickle of an object holds: its weights, which are not to be read twice. */
  readonly pickled?: PickleValue;
}

async function look(path: string): Promise<Look> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return { kind: 'ldm' };
  const { file, close } = await openTensorsAt(path);
  close();
  const { tensors, pickled } = file;
  // an object, not a dict of tensors
  if (tensors.size === 0) return { kind: 'edm', ...(pickled !== undefined && { pickled }) };
  return { kind: kindOf(path, tensors) };
}

function kindOf(path: string, tensors: TensorFile['tensors']): keyof typeof readers {
  const family = familyOf(Object.fromEntries(tensors));
  switch (family) {
    case 'stable-diffusion':
    case 'ldm':
      return 'ldm';
    case 'adm':
    case 'cm':
      return family;
    default:
      throw new ModelError(
        'E_CHECKPOINT',
        `${path}: ${
          family === 'inception'
            ? 'it is FID’s Inception-v3, which gives features and denoises nothing: name it as the feature network'
            : family
              ? `it is ${family}, a part of a model; name ${family === 'adm-classifier' ? 'the diffusion network’s file' : 'the folder of the model'}`
              : 'its tensors are of no network that is known: EDM’s, Consistency Models’, ADM’s, or latent diffusion’s'
        }`,
        { path, family },
      );
  }
}
