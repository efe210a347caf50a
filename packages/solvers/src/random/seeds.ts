/** A text that names no seeds, or batches that can't be (E_SEEDS). `found`: the part that is wrong. */
export class SeedsError extends Error {
  readonly code = 'E_SEEDS';
  constructor(
    message: string,
    readonly found: string,
  ) {
    super(message);
    this.name = 'SeedsError';
  }
}

const mostSeeds = 2 ** 24;

/**
 * The seeds that a text names: whole numbers and ranges with both ends, separated by commas, as in `1,2,5-10`. Order
 * and repetitions stay.
 *
 * @throws SeedsError (E_SEEDS) for anything else, a range that descends, or more than 2²⁴ seeds
 * @example parseSeeds('1,2,5-7') // [1, 2, 5, 6, 7]
 */
export function parseSeeds(text: string): number[] {
  const seeds: number[] = [];
  for (const part of text.split(',')) {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to <= Number.MAX_SAFE_INTEGER))
      throw new SeedsError(
        `seeds are whole numbers and ascending ranges, separated by commas; found "${part}". Write for example 0-63 or 1,2,5-10.`,
        part,
      );
    if (seeds.length + (to - from) >= mostSeeds)
      throw new SeedsError(
        `a list of seeds names at most ${mostSeeds} of them; "${part}" goes past that. Split the run.`,
        part,
      );
    for (let seed = from; seed <= to; seed++) seeds.push(seed);
  }
  return seeds;
}

/**
 * Splits seeds into batches of nearly equal length, at most `maxBatch`, the same number for each of `workers`, as the
 * official sampler does. The result of an image does not depend on its batch.
 *
 * Returns the batches by worker; some are empty where there are fewer seeds than workers.
 *
 * @throws SeedsError (E_SEEDS) if maxBatch or workers is no whole number from 1
 */
export function batchPlan(seeds: readonly number[], maxBatch: number, workers = 1): number[][][] {
  for (const [name, value] of Object.entries({ maxBatch, workers }))
    if (!(Number.isInteger(value) && value > 0))
      throw new SeedsError(`${name} is a whole number from 1; found ${value}.`, String(value));
  const count = (Math.floor((seeds.length - 1) / (maxBatch * workers)) + 1) * workers;
  const [length, longer] = [Math.floor(seeds.length / count), seeds.length % count];
  const plan = Array.from({ length: workers }, (): number[][] => []);
  for (let batch = 0, start = 0; batch < count; batch++) {
    const end = start + length + (batch < longer ? 1 : 0);
    plan[batch % workers]!.push(seeds.slice(start, end));
    start = end;
  }
  return plan;
}
