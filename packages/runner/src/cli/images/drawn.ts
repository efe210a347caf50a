import { RunnerError } from '../../errors.js';
import type { Drawn } from '../../graph/reference.js';

/** @throws RunnerError E_USAGE where --seed is given without --num, and would do nothing */
export function checkDrawing({ num, seed }: { readonly num?: number; readonly seed?: number }): void {
  if (seed !== undefined && num === undefined)
    throw new RunnerError('E_USAGE', `--seed ${seed} draws nothing without --num: give both, or neither`);
}

/**
 * What EDM's code draws of a set of images: where it has more than `num`, NumPy's legacy generator shuffles their numbers,
 * and the first are taken, in the order of names. Of features, in that of the file. Nothing where all are taken.
 *
 * @param of how many the set has
 * @param num all where it is undefined
 * @param seed taken modulo 2³¹
 * @throws RunnerError E_IMAGES where the set has fewer
 */
export async function drawn(
  data: string,
  of: number,
  num: number | undefined,
  seed: number,
): Promise<Drawn | undefined> {
  if (num === undefined || num === of) return undefined;
  if (of < num)
    throw new RunnerError(
      'E_IMAGES',
      `${data} has ${of} images, fewer than --num ${num}: add what is missing, or draw ${of} at most`,
      { evidence: { file: data, count: of, num } },
    );
  const { numpyShuffle } = await import('@fewstep/solvers');
  const modulus = 2 ** 31;
  const order = numpyShuffle(of, ((seed % modulus) + modulus) % modulus);
  return { numbers: [...order.subarray(0, num).sort()], of };
}
