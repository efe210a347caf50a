import { MetricsError } from './errors.js';

/**
 * Root mean square difference of two image sets, in 8-bit units: √ mean (a_i − b_i)² over all bytes.
 *
 * @throws MetricsError E_IMAGES where the lengths differ or are 0.
 */
export function rmse(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length || a.length === 0)
    throw new MetricsError(
      'E_IMAGES',
      `sets of ${a.length} and of ${b.length} bytes have no difference image by image; take the same seeds and the same network`,
      { lengths: [a.length, b.length] },
    );
  // A sum of whole numbers below 2^53: exact, so its order is nothing.
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squares / a.length);
}
