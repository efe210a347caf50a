import { ModelError } from './errors.js';

/** ᾱ_k for k = 1…steps of a table whose √β are evenly spaced. Source: Rombach et al. 2022, arXiv:2112.10752. */
export function alphasCumprod(linearStart: number, linearEnd: number, steps: number): number[] {
  const root = Math.sqrt(linearStart);
  const width = Math.sqrt(linearEnd) - root;
  let product = 1;
  return Array.from({ length: steps }, (_, k) => {
    product *= 1 - (root + (k / (steps - 1)) * width) ** 2;
    return product;
  });
}

/** σ of each ᾱ's end: the range that the model was trained on. @throws ModelError `E_CHECKPOINT` for what is no table. */
export function sigmaRange(alphas: readonly number[]): { sigmaMin: number; sigmaMax: number } {
  const wrong = alphas.findIndex((alpha, k) => !(alpha > 0 && alpha < (alphas[k - 1] ?? 1)));
  if (alphas.length < 2 || wrong >= 0)
    throw new ModelError(
      'E_CHECKPOINT',
      `its alphas_cumprod are no noise table: they must fall from below 1 to above 0, and number ${wrong} is ${alphas[wrong]}`,
      { index: wrong },
    );
  const sigma = (alpha: number) => Math.sqrt((1 - alpha) / alpha);
  return { sigmaMin: sigma(alphas[0]!), sigmaMax: sigma(alphas.at(-1)!) };
}
