import type { Vector } from '../solver.js';

const QUANTILE = 0.995;

/**
 * Dynamic thresholding: each sample of D [n × size] is clipped to ±s and divided by s, s = max(1, the 0.995 quantile of
 * its |D|, linearly interpolated).
 *
 * Source: Saharia et al., arXiv:2205.11487, section 2.3.
 */
export function threshold(denoised: Vector, n: number): Vector {
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
