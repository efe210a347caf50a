import { solverFault } from '../solver-error.js';
import type { Generator } from './generator.js';
import { philox4x32, type Words } from './philox.js';

const threadsPerBlock = 256;
/** 108 multiprocessors of 2,048 threads. */
const a100 = 221_184;
/** From here on newer versions of PyTorch make an integer of two words, older ones of one. */
const wide = 2 ** 28;

/**
 * PyTorch's CUDA generator (`torch.Generator('cuda').manual_seed(seed)`), of a whole seed from 0 to 2⁵³ − 1.
 *
 * - `rand` and `randint` (`high` below 2²⁸): to the bit. `randn`: to 10⁻⁶, for the card's sine and cosine are
 *   approximations, whose error is absolute (16 published numbers of a card: at most 4·10⁻⁷ away).
 * - `threads`: how many the card runs at once, its multiprocessors times the threads of one (V100 163,840, A100 221,184,
 *   H100 270,336). A draw of up to as many numbers is the same on every card; a larger one differs from card to card, as
 *   in PyTorch. Default: the A100's, which holds a latent of 3×256×256.
 * - Thread t draws the subsequence t of Philox4x32-10, four words at a time, for the numbers t, t + T, t + 2T, t + 3T of
 *   T threads. So a draw of up to T numbers uses the first word, or the first normal, of each subsequence.
 * - Source: PyTorch, aten/src/ATen/native/cuda/DistributionTemplates.h; cuRAND, curand_normal.h.
 *
 * @throws SolverError (E_SOLVER) if seed, threads or high are out of their range
 */
export function torchCuda(seed: number, { threads = a100 }: { readonly threads?: number } = {}): Generator {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw solverFault(`a seed is a whole number from 0 to 2⁵³ − 1; found ${seed}.`, { seed });
  if (!(Number.isInteger(threads) && threads > 0 && threads % threadsPerBlock === 0))
    throw solverFault(
      `threads come in blocks of ${threadsPerBlock}; found ${threads}. Give the card's multiprocessors times the threads of one, as 108 · 2048.`,
      { threads },
    );
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  let drawn = 0;

  /** `of` makes number i, from 0 to 3, of four words. */
  function drawing(size: number, of: (words: Words, i: number) => number): Float64Array {
    const values = new Float64Array(size);
    if (size === 0) return values;
    const running = Math.min(threads, Math.ceil(size / threadsPerBlock) * threadsPerBlock);
    const rounds = Math.ceil(size / (4 * running));
    for (let round = 0; round < rounds; round++)
      for (let thread = 0; thread < running; thread++) {
        const words = philox4x32([drawn + round, 0, thread, 0], key);
        for (let i = 0; i < 4; i++) {
          const index = (4 * round + i) * running + thread;
          if (index < size) values[index] = of(words, i);
        }
      }
    drawn += rounds;
    return values;
  }

  return {
    rand: (size) => drawing(size, (words, i) => uniform(words[i]!) % 1),
    randn: (size) => drawing(size, normal),
    randint(high, size) {
      if (high >= wide)
        throw solverFault(
          `integers are drawn below at most 2²⁸ − 1, for beyond that versions of PyTorch differ; found ${high}. Take torchCpu.`,
          { high },
        );
      return drawing(size, (words, i) => words[i]! % high);
    },
  };
}

/** In (0, 1], rounded as float32 does: near 1 a normal's radius shows it. */
function uniform(word: number): number {
  return Math.fround(Math.fround(word) * 2 ** -32 + 2 ** -33);
}

/** Box and Muller on two words: the even one of a pair of normals is the sine's, the odd one the cosine's. */
function normal(words: Words, i: number): number {
  const [x, y] = i < 2 ? [words[0], words[1]] : [words[2], words[3]];
  const radius = Math.sqrt(-2 * Math.log(uniform(x)));
  const angle = (2 * y + 1) * Math.PI * 2 ** -32;
  return Math.fround(radius * (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle)));
}
