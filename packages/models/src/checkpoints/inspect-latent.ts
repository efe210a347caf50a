import type { Inspected } from '../families/family.js';
import { allFrom, type Sources } from '../families/sources.js';
import type { Tensors } from '../files/tensor.js';
import { sigmaRange } from '../networks/noise-levels.js';
import { measuresOf, planLatent } from './latent-checkpoint.js';
import { type LatentCheckpointOptions, openLatent } from './read-latent-checkpoint.js';

/**
 * What is told of a model by names and shapes, its noise table and its scale, or of its folder in diffusers' layout: the
 * options that are known, where each is from, and those that must be told.
 *
 * @throws ModelError as `readLatentCheckpoint`, but not for what is open
 */
export async function inspectLatent(
  path: string,
  { first_stage, ...told }: LatentCheckpointOptions,
): Promise<Inspected> {
  const { source, isFolder, close } = await openLatent(path, { first_stage, use_ema: told.use_ema });
  try {
    const plan = planLatent(source, told);
    const { shown, averaged } = plan;
    const { values, betas, sources, asked } = plan.settled;
    const isOpen = Object.keys(asked).length > 0;
    const { alphas = undefined, scaleFactor = undefined } = isOpen ? {} : measuresOf(source, plan, told);
    const spaced = betas?.type === 'scaled_linear' && sources.linear_start !== 'file' ? betas : undefined;
    const { sigmaMin, sigmaMax } = alphas ? sigmaRange(alphas) : {};
    const known = {
      ...values,
      scale_factor: scaleFactor ?? values.scale_factor,
      linear_start: spaced?.start,
      linear_end: spaced?.end,
      use_ema: averaged,
      sigma_min: sigmaMin,
      sigma_max: sigmaMax,
    };
    const from: Sources = {
      ...allFrom('file', shown),
      ...sources,
      use_ema: told.use_ema === undefined ? 'file' : 'spec',
      ...(sources.linear_start && { sigma_min: sources.linear_start, sigma_max: sources.linear_start }),
    };
    const network = Object.fromEntries(
      Object.entries({ ...shown, ...known }).filter(
        ([name, value]) => value !== undefined && from[name] !== undefined && !Object.hasOwn(asked, name),
      ),
    );
    return {
      network,
      sources: Object.fromEntries(
        [...Object.keys(network), ...Object.keys(asked)].map((name) => [name, from[name]!]),
      ),
      asked,
      ...(isFolder && { weights: hollow(source.tensors) }),
    };
  } finally {
    close();
  }
}

const hollow = (infos: Readonly<Record<string, object>>): Tensors =>
  Object.fromEntries(
    Object.entries(infos).map(([name, info]) => [name, { ...info, data: [] }]),
  ) as unknown as Tensors;
