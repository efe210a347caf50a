import type { NoiseTable } from '@fewstep/schedules';
import type { SamplerFile } from '../sampler/sampler-file.js';

/** What is exported, and the network that it is for. */
export interface Exporting {
  readonly sampler: SamplerFile;
  /** A word of letters, digits and underscores. */
  readonly name: string;
  /** Of a network that is told discrete times; one without is told σ itself. */
  readonly noise: NoiseTable | undefined;
}

/** A sampler for another program. */
export interface Exported {
  /** By their names. */
  readonly files: Readonly<Record<string, string>>;
  /** Sentences: what is lossy and by how much, what was assumed. */
  readonly notes: readonly string[];
}

/** Of a latent model whose file names none of the registry: nearly all such are told discrete times. */
export const untold = ({ sampler, noise }: Exporting, consequence: string): string[] =>
  sampler.model.latents && !noise
    ? [
        `its file does not say in which times its network is told noise: ${consequence}; --model ms_coco is for Stable Diffusion’s.`,
      ]
    : [];

/** The time of each noise level in 0 … M − 1, not rounded, as this project's networks are told it. */
export const timesOf = (sigmas: readonly number[], { tOfSigma, alphasCumprod }: NoiseTable): number[] =>
  sigmas.map((sigma) => alphasCumprod.length * tOfSigma(sigma) - 1);

/** The σ of each time of a network. */
export const levelsOf = ({ alphasCumprod }: NoiseTable): number[] =>
  Array.from(alphasCumprod, (alpha) => Math.sqrt((1 - alpha) / alpha));

/** A part of the whole, for people. */
export const percent = (part: number): string => `${(100 * part).toPrecision(2)} %`;
