import type { DenoiserInfo } from './export-denoiser.js';

/**
 * The noise level nearest to `sigma` that a denoiser's network was trained at; the larger of two that are as near, and
 * `sigma` itself where the network knows all levels. Times of a schedule are rounded so for iDDPM's networks.
 *
 * Source: Karras et al. 2022, appendix C.3, arXiv:2206.00364.
 */
export const roundSigma = (
  sigma: number,
  { noiseLevels = [sigma] }: Pick<DenoiserInfo, 'noiseLevels'>,
): number =>
  noiseLevels.reduce((best, level) => (Math.abs(level - sigma) < Math.abs(best - sigma) ? level : best));
