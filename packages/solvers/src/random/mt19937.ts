const size = 624;
const shift = 397;

/**
 * The 32-bit words of the Mersenne Twister, seeded by a number modulo 2³². NumPy's legacy generator and PyTorch's CPU
 * generator both start from these.
 *
 * - Source: Matsumoto, Nishimura 1998, MT19937 with the initialisation of 2002.
 */
export function mt19937(seed: number): () => number {
  const state = new Uint32Array(size);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < size; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(previous ^ (previous >>> 30), 1812433253) + i;
  }
  let next = size;

  function refill() {
    for (let i = 0; i < size; i++) {
      const word = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + shift) % size]! ^ (word >>> 1) ^ (word & 1 ? 0x9908b0df : 0);
    }
    next = 0;
  }

  return () => {
    if (next === size) refill();
    let word = state[next++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
}
