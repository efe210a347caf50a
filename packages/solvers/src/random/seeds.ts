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

/** The first and the last of consecutive seeds. */
type SeedRange = readonly [first: number, last: number];

/**
 * The ranges of seeds that a text names, as `0-49999` or `1,2,5-10`, in its order.
 *
 * @throws SeedsError (E_SEEDS) for other text, or a range that runs backwards
 */
export const seedRanges = (text: string): SeedRange[] =>
  text.split(',').map((part) => {
    const [, from, to = from] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    const shown = part.trim();
    if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last)))
      throw new SeedsError(`"${shown}" is neither a seed nor a range; write 0-49999 or 1,2,5-10`, part);
    if (last < first) throw new SeedsError(`${shown} runs backwards; write ${last}-${first}`, part);
    return [first, last];
  });

const mostSeeds = 2 ** 24;

/**
 * The seeds that a text names, each by itself. Order and repetitions stay.
 *
 * @throws SeedsError (E_SEEDS) as `seedRanges`, or for more than 2²⁴ seeds
 * @example parseSeeds('1,2,5-7') // [1, 2, 5, 6, 7]
 */
export function parseSeeds(text: string): number[] {
  const ranges = seedRanges(text);
  const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  if (count > mostSeeds)
    throw new SeedsError(
      `a list of seeds names at most ${mostSeeds} of them, not ${count}. Split the run.`,
      text,
    );
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
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
