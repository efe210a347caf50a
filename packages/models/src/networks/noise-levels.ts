import { checkpointFault } from '../errors.js';

/** The β_1…β_T of a training in discrete times, or what they come to. */
export type BetaSchedule =
  /** Evenly spaced: Ho et al. 2020, arXiv:2006.11239, section 4. */
  | { readonly type: 'linear'; readonly start: number; readonly end: number; readonly steps: number }
  /** √β evenly spaced: Rombach et al. 2022, arXiv:2112.10752, and Stable Diffusion. */
  | { readonly type: 'scaled_linear'; readonly start: number; readonly end: number; readonly steps: number }
  /** ᾱ a squared cosine, β at most 0.999: Nichol & Dhariwal 2021, equation 17, arXiv:2102.09672. */
  | { readonly type: 'cosine'; readonly steps: number }
  /** ᾱ_1 down to ᾱ_T. */
  | { readonly type: 'explicit'; readonly alphasCumprod: readonly number[] };

/** ᾱ_t = (1 − β_1)…(1 − β_t) for t = 1…T. `steps`: T, at least 2. */
export function alphasCumprod(betas: BetaSchedule): number[] {
  if (betas.type === 'explicit') return [...betas.alphasCumprod];
  const { steps } = betas;
  const beta = betaOf(betas);
  let product = 1;
  return Array.from({ length: steps }, (_, k) => {
    product *= 1 - beta(k);
    return product;
  });
}

/** β of the k-th time from 0. */
function betaOf(betas: Exclude<BetaSchedule, { type: 'explicit' }>): (k: number) => number {
  if (betas.type === 'cosine') {
    const alpha = (t: number) => Math.cos(((t / betas.steps + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    return (k) => Math.min(0.999, 1 - alpha(k + 1) / alpha(k));
  }
  const { start, end, steps } = betas;
  if (betas.type === 'linear') return (k) => start + (k / (steps - 1)) * (end - start);
  const root = Math.sqrt(start);
  const width = Math.sqrt(end) - root;
  return (k) => (root + (k / (steps - 1)) * width) ** 2;
}

/** σ of each ᾱ's end: the range that the model was trained on. @throws ModelError `E_CHECKPOINT` for what is no table. */
export function sigmaRange(alphas: readonly number[]): { sigmaMin: number; sigmaMax: number } {
  const wrong = alphas.findIndex((alpha, k) => !(alpha > 0 && alpha < (alphas[k - 1] ?? 1)));
  if (alphas.length < 2 || wrong >= 0)
    throw checkpointFault(
      `its alphas_cumprod are no noise table: they must fall from below 1 to above 0, and number ${wrong} is ${alphas[wrong]}`,
      { index: wrong },
    );
  const sigma = (alpha: number) => Math.sqrt((1 - alpha) / alpha);
  return { sigmaMin: sigma(alphas[0]!), sigmaMax: sigma(alphas.at(-1)!) };
}
