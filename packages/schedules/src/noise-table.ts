import { ScheduleError } from './schedule-error.js';
import type { NoiseOfTime } from './vp.js';

/** What a latent diffusion model was configured with: √β evenly spaced over M entries. */
export interface NoiseTableOptions {
  /** β of the first and of the last entry. */
  readonly linearStart: number;
  readonly linearEnd: number;
  /** Number of entries. */
  readonly M: number;
}

/** The noise levels that a discrete-time model was trained on, continued between the entries. Its time t is in (0, 1]. */
export interface NoiseTable extends NoiseOfTime {
  /** ᾱ_k, k = 1…M, [M]; σ_k² = (1 − ᾱ_k)/ᾱ_k. */
  readonly alphasCumprod: Float64Array;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** The tables of latent diffusion's own models (LSUN) and of Stable Diffusion. */
export const noiseTables = {
  ldm: { linearStart: 0.0015, linearEnd: 0.0195, M: 1000 },
  sd: { linearStart: 0.00085, linearEnd: 0.012, M: 1000 },
} satisfies Record<string, NoiseTableOptions>;

/**
 * The noise table of a latent diffusion model: √β evenly spaced, ᾱ its cumulative product of 1 − β.
 *
 * Between entries log α = ½ log ᾱ is linear in t, with t_k = k/M; beyond either end the outermost segment goes on.
 * σ = √(1/α² − 1) and t are each other's inverse to rounding.
 *
 * Source: Rombach et al., arXiv:2112.10752; interpolation as in DPM-Solver, arXiv:2206.00927.
 *
 * @throws ScheduleError (E_SCHEDULE) if no such table exists
 */
export function noiseTable({ linearStart, linearEnd, M }: NoiseTableOptions): NoiseTable {
  if (!(Number.isInteger(M) && M >= 2))
    throw new ScheduleError('a noise table has an integer M ≥ 2 entries', M, 'Most models have 1000.');
  if (!(0 < linearStart && linearStart < linearEnd && linearEnd < 1))
    throw new ScheduleError(
      'a noise table needs 0 < linearStart < linearEnd < 1',
      [linearStart, linearEnd],
      'Take both from the configuration that the model was trained with.',
    );
  const root = Math.sqrt(linearStart);
  const width = Math.sqrt(linearEnd) - root;
  const alphasCumprod = new Float64Array(M);
  let product = 1;
  for (let k = 0; k < M; k++) alphasCumprod[k] = product *= 1 - (root + (k / (M - 1)) * width) ** 2;
  return noiseTableOf(alphasCumprod);
}

/**
 * The noise table of ᾱ_1 down to ᾱ_M themselves, as a checkpoint holds them.
 *
 * @throws ScheduleError (E_SCHEDULE) if they don't fall from below 1 to above 0
 */
export function noiseTableOf(alphas: ArrayLike<number>): NoiseTable {
  const alphasCumprod = Float64Array.from(alphas);
  const M = alphasCumprod.length;
  const wrong = alphasCumprod.findIndex((alpha, k) => !(alpha > 0 && alpha < (alphasCumprod[k - 1] ?? 1)));
  if (M < 2 || wrong >= 0)
    throw new ScheduleError(
      'a noise table has two entries or more, each below the one before, from below 1 to above 0',
      alphasCumprod.slice(Math.max(0, wrong - 1), Math.max(0, wrong) + 1),
      `Look at entry ${Math.max(0, wrong)}.`,
    );
  const logAlpha = alphasCumprod.map((a) => 0.5 * Math.log(a));

  /** The line through entries k and k + 1 (from 0); entry k lies at t = (k + 1)/M. */
  const segment = (k: number) => {
    const left = Math.min(Math.max(k, 0), M - 2);
    return { t: (left + 1) / M, log: logAlpha[left]!, slope: (logAlpha[left + 1]! - logAlpha[left]!) * M };
  };
  const sigmaOfT = (t: number) => {
    const { t: t0, log, slope } = segment(Math.floor(t * M) - 1);
    return Math.sqrt(Math.expm1(-2 * (log + slope * (t - t0))));
  };
  const tOfSigma = (sigma: number) => {
    const wanted = -0.5 * Math.log1p(sigma * sigma);
    const below = logAlpha.findIndex((log) => log < wanted);
    const { t: t0, log, slope } = segment(below < 0 ? M - 2 : below - 1);
    return t0 + (wanted - log) / slope;
  };
  return { alphasCumprod, sigmaOfT, tOfSigma, sigmaMin: sigmaOfT(1 / M), sigmaMax: sigmaOfT(1) };
}
