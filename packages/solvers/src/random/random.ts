import { solverFault } from '../solver-error.js';
import type { Rng } from './generator.js';
import { torchCpu } from './torch-cpu.js';
import { torchCuda } from './torch-cuda.js';

/** Generators by name: where the official sampler would draw. */
export const rngs = { 'torch-cpu': torchCpu, 'torch-cuda': torchCuda } as const satisfies Record<string, Rng>;

/** A generator's name in a spec, as `sample.rng`. */
export type RngName = keyof typeof rngs;

/** Seeds are taken modulo it. */
const words = 2 ** 32;

/** What a network starts from for one seed. */
export interface Draw {
  /** [size] standard normal; the start of a solve is this times the first noise level. */
  readonly latent: Float64Array;
  /** The class, uniform in [0, labelDim), for a network that has classes. */
  readonly label?: number;
}

/**
 * The latent and then the label that the official sampler draws for a seed, taken modulo 2³², whatever its batch size.
 *
 * `shape`: of one image, [channels, height, width]. `labelDim`: number of classes; 0 or absent draws no label. `rng`:
 * where it draws, by default on a CPU.
 *
 * @throws SolverError (E_SOLVER) if the seed is no whole number
 */
export function draw(seed: number, shape: readonly number[], labelDim = 0, rng: Rng = torchCpu): Draw {
  if (!Number.isSafeInteger(seed))
    throw solverFault(`a seed is a whole number; found ${seed}. Official runs take 0 to 4294967295.`, {
      seed,
    });
  const generator = rng(((seed % words) + words) % words);
  const latent = generator.randn(shape.reduce((a, b) => a * b, 1));
  return labelDim > 0 ? { latent, label: generator.randint(labelDim, 1)[0]! } : { latent };
}

/** The latents of several seeds as one batch, [n × size]. Source: as `draw`. @throws as `draw` */
export function latents(
  seeds: ArrayLike<number>,
  shape: readonly number[],
  rng: Rng = torchCpu,
): Float64Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const batch = new Float64Array(seeds.length * size);
  for (let i = 0; i < seeds.length; i++) batch.set(draw(seeds[i]!, shape, 0, rng).latent, i * size);
  return batch;
}
