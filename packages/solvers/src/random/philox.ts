/** Upper 32 bits of the product of two 32-bit words. */
function high(a: number, b: number): number {
  const a1 = a >>> 16;
  const a0 = a & 0xffff;
  const b1 = b >>> 16;
  const b0 = b & 0xffff;
  return a1 * b1 + Math.floor((a1 * b0 + a0 * b1 + Math.floor((a0 * b0) / 2 ** 16)) / 2 ** 16);
}

/** Four words of 32 bits, each from 0 to 2³² − 1. */
export type Words = readonly [number, number, number, number];

/**
 * Philox4x32-10: four random words of a counter and a key. There is no state, so that any word of a stream can be had
 * without those before it.
 *
 * - Source: Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3 (SC '11), section 3.3.
 */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = high(0xd2511f53, a);
    const high1 = high(0xcd9e8d57, c);
    const low0 = Math.imul(0xd2511f53, a);
    a = (high1 ^ b ^ k) >>> 0;
    b = Math.imul(0xcd9e8d57, c) >>> 0;
    c = (high0 ^ d ^ l) >>> 0;
    d = low0 >>> 0;
    k = (k + 0x9e3779b9) >>> 0;
    l = (l + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}
