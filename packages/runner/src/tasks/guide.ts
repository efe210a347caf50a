import { classifierFree, type LoadedDenoiser } from '@fewstep/models';
import { readTensors, tensorOf } from './artifacts.js';

/** Guidance that every evaluation takes part in. */
export interface Guidable {
  readonly guidance?: { readonly type: 'cg' | 'cfg' | 'uncond'; readonly rate?: number };
}

interface Guided {
  readonly denoiser: LoadedDenoiser;
  /** What the network is told of the image of each seed, [n × positions · width], where it is told something. */
  conditionOf(seeds: readonly number[]): Float64Array | undefined;
}

/** A denoiser under the guidance that a task asks for: of the encoded prompts, seed s has entry s mod their number. */
export async function guide(
  denoiser: LoadedDenoiser,
  inputs: Readonly<Record<string, readonly string[]>>,
  { guidance }: Guidable,
): Promise<Guided> {
  const path = inputs.conditions?.[0];
  if (path === undefined) return { denoiser, conditionOf: () => undefined };
  const { data, shape } = tensorOf(await readTensors(path), 'conditions', 'F32');
  const [rows = 0, positions = 0, width = 0] = shape;
  const size = positions * width;
  const row = (i: number) => Float64Array.from(data.subarray(i * size, (i + 1) * size));
  return {
    denoiser: classifierFree(denoiser, { rate: guidance!.rate!, unconditional: row(0) }),
    conditionOf(seeds) {
      const conditions = new Float64Array(seeds.length * size);
      for (const [i, seed] of seeds.entries()) conditions.set(row(1 + (seed % (rows - 1))), i * size);
      return conditions;
    },
  };
}
