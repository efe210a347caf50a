import { mt19937 } from './mt19937.js';

/**
 * What `numpy.random.RandomState(seed).shuffle` makes of 0 … n − 1, to the number.
 *
 * - `n`: at most 2³¹. `seed`: whole, taken modulo 2³².
 * - Fisher and Yates from the end; NumPy draws the place below i + 1 from as many low bits of a word as i has, and draws
 *   again until it is one.
 */
export function numpyShuffle(n: number, seed: number): Int32Array {
  const word = mt19937(seed);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j: number;
    do j = word() & mask;
    while (j > i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
