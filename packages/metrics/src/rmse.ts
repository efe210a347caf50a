import { imageFault } from './errors.js';

/**
 * Root mean square difference of two image sets, in 8-bit units: √ mean (a_i − b_i)² over all bytes.
 *
 * @throws MetricsError E_IMAGES where the lengths differ or are 0.
 */
export const rmse = (a: Uint8Array, b: Uint8Array): number => rmseOf([[a, b, a.length]]).rmse;

/** A root mean square difference, and how far it may be off. */
export interface Rmse {
  readonly rmse: number;
  /** How much it would vary over other images, as many; of one image it isn't known. */
  readonly standardError: number | undefined;
}

/**
 * The same of sets that come part by part, of which one at a time is held.
 *
 * - `parts`: the bytes of whole images, and how many bytes each of them has.
 * - The standard error is that of the mean over images of their mean squares, over 2·rmse: how a root varies to first order.
 *
 * @throws MetricsError E_IMAGES where the lengths of two parts differ, or there is none.
 */
export function rmseOf(parts: Iterable<readonly [Uint8Array, Uint8Array, number]>): Rmse {
  // Sums of whole numbers below 2^53: exact, so their order is nothing.
  let [squares, count] = [0, 0];
  const means: number[] = [];
  for (const [a, b, bytes] of parts) {
    if (a.length !== b.length || a.length === 0) throw noDifference(a.length, b.length);
    for (let start = 0; start < a.length; start += bytes) {
      let ofImage = 0;
      for (let i = start; i < start + bytes; i++) ofImage += (a[i]! - b[i]!) ** 2;
      squares += ofImage;
      means.push(ofImage / bytes);
    }
    count += a.length;
  }
  if (count === 0) throw noDifference(0, 0);
  return rmseOfMeans(means, squares / count);
}

/** The same of the mean squares of each image; `mean`: that of all, where it is known better than by adding these. */
export function rmseOfMeans(
  means: readonly number[],
  mean = means.reduce((sum, value) => sum + value, 0) / means.length,
): Rmse {
  const [rmse, n] = [Math.sqrt(mean), means.length];
  if (n === 1) return { rmse, standardError: undefined };
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { rmse, standardError: mean === 0 ? 0 : Math.sqrt(variance / n) / (2 * rmse) };
}

const noDifference = (a: number, b: number) =>
  imageFault(
    `sets of ${a} and of ${b} bytes have no difference image by image; take the same seeds and the same network`,
    { lengths: [a, b] },
  );
