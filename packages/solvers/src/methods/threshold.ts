import type { Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { checkChoice } from './checks.js';

export const thresholdings = ['dynamic', 'none'] as const;
/** Whether what is denoised is kept within the bounds of pixels: by `threshold` (dynamic), or not. */
export type Thresholding = (typeof thresholdings)[number];

const QUANTILE = 0.995;

/**
 * Dynamic thresholding: each sample of D [n × size] is clipped to ±s and divided by s, s = max(1, the 0.995 quantile of
 * its |D|, linearly interpolated). `none`: D itself.
 *
 * It is for pixels in [−1, 1]. Of data beyond that, as latents are, it makes other data.
 *
 * Source: Saharia et al., arXiv:2205.11487, section 2.3.
 */
export function threshold(denoised: Vector, n: number, thresholding: Thresholding = 'dynamic'): Vector {
  if (thresholding === 'none') return denoised;
  const size = denoised.length / n;
  const out = new Float64Array(denoised.length);
  for (let start = 0; start < out.length; start += size) {
    const sample = denoised.subarray(start, start + size);
    const limit = Math.max(1, quantile(sample.map(Math.abs).sort(), QUANTILE));
    for (let i = 0; i < size; i++) out[start + i] = Math.min(Math.max(sample[i]!, -limit), limit) / limit;
  }
  return out;
}

function quantile(sorted: Vector, q: number): number {
  const place = q * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (place - Math.floor(place)) * (above - below);
}

/** @throws SolverError (E_SOLVER) if a method is told none of both, or to threshold a slope */
export function checkThresholding(
  method: string,
  {
    predictX0 = true,
    thresholding = 'none',
  }: { readonly predictX0?: boolean; readonly thresholding?: Thresholding },
): void {
  checkChoice(method, 'thresholding', thresholding, thresholdings);
  if (thresholding === 'dynamic' && !predictX0)
    throw solverFault(
      `${method} keeps the denoised image in bounds, and without predict_x0 it extrapolates the slope; found thresholding dynamic. Set predict_x0, or leave thresholding out.`,
      { predictX0, thresholding },
    );
}
