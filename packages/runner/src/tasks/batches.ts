import { draw, type RngName, rngs } from '@fewstep/solvers';
import type { Range } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';

/** The seeds of a range, in batches. */
export function* batchesOf([first, last]: Range, size: number): Generator<number[]> {
  for (let start = first; start <= last; start += size) {
    yield Array.from({ length: Math.min(size, last - start + 1) }, (_, i) => start + i);
  }
}

interface Start {
  readonly n: number;
  /** [n × size] standard normal. */
  readonly latents: Float64Array;
  /** One class per image, where the model has classes. */
  readonly labels?: number[];
}

/** How latents and classes come of seeds. Defaults: PyTorch's CPU generator, for both. */
export interface Drawing {
  readonly rng?: RngName;
  /** In place of random classes: seed s gets entry s mod length. */
  readonly classes?: readonly number[];
}

/**
 * Latents and labels of seeds, each drawn by its own generator: the same in any batch.
 *
 * @throws RunnerError (E_CLASSES) if the network, of `labelDim` classes, has not those that are asked for
 */
export function startOf(
  seeds: readonly number[],
  shape: readonly number[],
  labelDim: number,
  { rng = 'torch-cpu', classes }: Drawing = {},
): Start {
  const size = shape.reduce((a, b) => a * b, 1);
  const latents = new Float64Array(seeds.length * size);
  const labels = classes ? classesOf(seeds, classes, labelDim) : [];
  for (const [i, seed] of seeds.entries()) {
    const { latent, label } = draw(seed, shape, classes ? 0 : labelDim, rngs[rng]);
    latents.set(latent, i * size);
    if (label !== undefined) labels.push(label);
  }
  return { n: seeds.length, latents, ...(labelDim > 0 && { labels }) };
}

/**
 * The class of each seed: of a list, entry s mod length for seed s, so that a seed is the same image in any batch.
 *
 * @throws RunnerError (E_CLASSES) if the network has none, or not one of those listed; it has `count`
 */
function classesOf(seeds: readonly number[], classes: readonly number[], count: number): number[] {
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
      `sample.classes names class ${unknown}, but the dataset's network has ${count} classes, 0 to ${count - 1}.`,
      { evidence: { classes, count } },
    );
  return seeds.map((seed) => classes[seed % classes.length]!);
}

export function scaled(values: Float64Array, factor: number): Float64Array {
  return values.map((value) => value * factor);
}
