import { checkpointFault, withPath } from '../errors.js';
import { parts } from '../families/parts.js';
import { isFolderAt } from '../files/source.js';
import type { Checkpoint } from './checkpoint.js';
import { firstStageOf } from './first-stage-file.js';
import { checkFirstStage, FIRST_STAGE } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';
import { lookAt } from './look.js';
import { publishedLatents } from './published-latent.js';
import { openOriginal } from './read-latent-checkpoint.js';

/** A first stage by itself: what makes pictures of latents [embed_dim, resolution, resolution]. */
export type FirstStage = Required<Pick<Checkpoint, 'resolution' | 'decoder' | 'scaleFactor'>>;

const names: readonly string[] = ['first-stage', 'diffusers-vae'];

/**
 * Reads the first stage of latent diffusion (VQ-f4, KL-f8, …) in a file of its own, by the original names or diffusers';
 * undefined where the file is something else.
 *
 * What its weights don't show is known of VQ-f4 (64, 1), and else told: `image_size` of the latents, and `scale_factor`,
 * which they were multiplied by for the denoiser.
 *
 * Source: Rombach et al. 2022, arXiv:2112.10752.
 * @throws ModelError `E_CHECKPOINT` where it is not whole, with `asked` where something must be told, or where something is
 *   told that nothing reads; the errors of `openStateDict`
 */
export async function readFirstStage(
  path: string,
  { image_size, scale_factor, ...others }: LatentOptions = {},
): Promise<FirstStage | undefined> {
  if (isFolderAt(path)) return undefined;
  const look = await lookAt(path);
  if (!parts.some(({ name, isOf }) => names.includes(name) && isOf(look))) return undefined;
  const { source, close } = await openOriginal(path);
  try {
    return withPath(path, () => {
      const unread = Object.keys(others);
      if (unread.length > 0)
        throw checkpointFault(`it is a first stage, of which nothing reads ${unread.join(', ')}`, { unread });
      const first = firstStageOf(source);
      const { decoder: options, names } = checkFirstStage(first.tensors);
      const { image_size: resolution, scale_factor: scaleFactor } = {
        ...publishedLatents(options),
        ...(image_size !== undefined && { image_size }),
        ...(scale_factor !== undefined && { scale_factor }),
      };
      if (resolution === undefined || scaleFactor === undefined) {
        const asked = Object.entries({ image_size: resolution, scale_factor: scaleFactor })
          .filter(([, value]) => value === undefined)
          .map(([name]) => name);
        throw checkpointFault(
          `it is a first stage, whose weights don't show ${asked.join(' and ')} of its latents: tell them; of Stable Diffusion v1 they are image_size: 64 and scale_factor: 0.18215`,
          { asked },
        );
      }
      const weights = Object.fromEntries(names.map((name) => [name, first.read(`${FIRST_STAGE}${name}`)]));
      return { resolution, scaleFactor, decoder: { options, weights } };
    });
  } finally {
    close();
  }
}
