import { readFileSync } from 'node:fs';
import { classifierFree, type LoadedDenoiser, readSafetensors } from '@fewstep/models';
import { RunnerError } from '../errors.js';
import { tensorOf } from './artifacts.js';
import { placeIn } from './prompt-place.js';

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
export function guide(
  denoiser: LoadedDenoiser,
  inputs: { readonly conditions: readonly string[] },
  { guidance }: Guidable,
): Guided {
  const paths = inputs.conditions;
  if (paths.length === 0) return { denoiser, conditionOf: () => undefined };
  let current = 0;
  let block = readBlock(paths[0]!);
  const { of, unconditional } = block;
  const holds = (at: number) => at >= block.first && at < block.first + block.count;
  return {
    denoiser: classifierFree(denoiser, { rate: guidance!.rate!, unconditional }),
    conditionOf(seeds) {
      const size = unconditional.length;
      const conditions = new Float64Array(seeds.length * size);
      for (const [i, seed] of seeds.entries()) {
        const at = seed % of;
        // blocks are large, and in the order of the seeds: so one is held, and the next is the one after it
        for (let tried = 0; !holds(at) && tried < paths.length; tried++) {
          current = (current + 1) % paths.length;
          block = readBlock(paths[current]!);
        }
        if (!holds(at))
          throw new RunnerError(
            'E_CONDITIONS',
            `seed ${seed} is of prompt ${at} of ${of}, which none of ${paths.length} files of encoded prompts holds`,
            { exitCode: 1, evidence: { seed, prompt: at, of } },
          );
        conditions.set(block.row(1 + at - block.first), i * size);
      }
      return conditions;
    },
  };
}

/** Encoded prompts, all of a list or a part. */
function readBlock(path: string) {
  const tensors = readSafetensors(readFileSync(path));
  const { data, shape } = tensorOf(tensors, 'conditions', 'F32');
  const [rows = 0, positions = 0, width = 0] = shape;
  const count = rows - 1;
  const size = positions * width;
  const row = (i: number) => Float64Array.from(data.subarray(i * size, (i + 1) * size));
  return { ...placeIn(tensors, count), count, unconditional: row(0), row };
}
