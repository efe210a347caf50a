import { imageFault } from './errors.js';

/**
 * Root mean square difference of two image sets, in 8-bit units: √ mean (a_i − b_i)² over all bytes.
 *
 * @throws MetricsError E_IMAGES where the lengths differ or are 0.
 */
export const rmse = (a: Uint8Array, b: Uint8Array): number => rmseOf([[a, b]]);

/**
 * The same of sets that come part by part, of which one at a time is held.
 *
 * @throws MetricsError E_IMAGES where the lengths of two parts differ, or there is none.
 */
export function rmseOf(parts: Iterable<readonly [Uint8Array, Uint8Array]>): number {
  // A sum of whole numbers below 2^53: exact, so its order is nothing.
  let [squares, count] = [0, 0];
  for (const [a, b] of parts) {
    if (a.length !== b.length || a.length === 0) throw noDifference(a.length, b.length);
    for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
    count += a.length;
  }
  if (count === 0) throw noDifference(0, 0);
  return Math.sqrt(squares / count);
}

const noDifference = (a: number, b: number) =>
  imageFault(
    `sets of ${a} and of ${b} bytes have no difference image by image; take the same seeds and the same network`,
    { lengths: [a, b] },
  );
