import { RunnerError } from '../errors.js';

/**
 * The class of each seed: of a list, entry s mod length for seed s, so that a seed is the same image in any batch.
 *
 * @throws RunnerError (E_CLASSES) if the network has none, or not one of those listed; it has `count`
 */
export function classesOf(seeds: readonly number[], classes: readonly number[], count: number): number[] {
  if (count === 0)
    throw new RunnerError(
      'E_CLASSES',
      "sample.classes names classes, but the dataset's network has none: remove the key.",
      { evidence: { classes, count } },
    );
  const unknown = classes.find((label) => label >= count);
  if (unknown !== undefined)
    throw new RunnerError(
      'E_CLASSES',
      `sample.classes names class ${unknown}, but the dataset's network has ${count}, 0 to ${count - 1}.`,
      { evidence: { classes, count } },
    );
  return seeds.map((seed) => classes[seed % classes.length]!);
}
