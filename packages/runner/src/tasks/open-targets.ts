import { readFile } from 'node:fs/promises';
import {
  type Block,
  type BlockDenoise,
  type SamplerTable,
  type Vector,
  type View,
  within,
} from '@fewstep/solvers';
import type { Range } from '@fewstep/taskgraph';
import { parseSampler } from '../sampler/sampler-file.js';
import { joined, readTensors, tensorOf } from './artifacts.js';
import type { Drawing } from './batches.js';
import type { Guidable } from './guide.js';
import { boundsSeen, type ModelInfo } from './model-info.js';
import type { Evaluating, OpenModel } from './open-solve.js';
import { openSampler } from './sampler.js';
import type { SolveParams } from './solving.js';

/** A table on its model, beside its seeds. */
export type ComparedParams = Pick<SolveParams, 'sigmaMin' | 'sigmaMax'> & Guidable & Drawing;

/** What a task has to work with that compares a table's samples with where a teacher ended. */
interface Comparing extends Evaluating, Working {
  readonly params: ComparedParams & { readonly seeds: readonly Range[] };
  readonly inputs: Evaluating['inputs'] & { readonly sampler: string; readonly targets: readonly string[] };
}

interface Working {
  readonly hints: { readonly batch?: number };
  progress(done: number): void;
}

/** Noise, and where a teacher ended from there. */
interface Targets {
  readonly block: Block;
  readonly view: View;
  /** Answers so many of a request at a time as a batch has. */
  readonly denoise: BlockDenoise;
}

interface Compared extends Targets {
  readonly table: SamplerTable;
  /** [channels, height, width] of a sample. */
  readonly shape: readonly [number, number, number];
}

/**
 * A table, seeds, and where the teacher ended from there.
 *
 * @throws RunnerError (E_SAMPLER) where it was made for another model
 */
export async function openTargets(context: Comparing): Promise<Compared> {
  const { params, inputs } = context;
  const chosen = { schedule: undefined, method: undefined, spacing: undefined, predictor: undefined };
  const model = await openSampler({ ...context, inputs: { ...inputs, ...chosen } });
  const { table } = parseSampler(await readFile(inputs.sampler, 'utf8'));
  return { table, shape: model.shape, ...(await targetsOn(model, params.seeds, inputs.targets, context)) };
}

/** What is seen of samples where nothing counts beside their values. */
export const valuesSeen = (info: Pick<ModelInfo, 'decoder'>): View => within(boundsSeen(info));

/** Where a teacher ended: files in the order of the seeds. */
export async function readGoals(targets: readonly string[]): Promise<Float64Array> {
  const parts = await Promise.all(
    targets.map(async (path) => tensorOf(await readTensors(path), 'x', 'F32').data),
  );
  return Float64Array.from(joined(parts, Float32Array));
}

/** Seeds on an open model, and where the teacher ended from there: files in the order of the seeds. */
export async function targetsOn(
  { info, batch }: OpenModel,
  ranges: readonly Range[],
  targets: readonly string[],
  { hints, progress }: Working,
  view: View = valuesSeen(info),
): Promise<Targets> {
  const seeds = ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  const n = seeds.length;
  const { latents, denoise } = batch(seeds);
  const size = latents.length / n;
  const most = hints.batch ?? 64;
  let evaluated = 0;
  return {
    view,
    block: { noise: latents, goal: await view(await readGoals(targets), n), n },
    async denoise({ x, sigma, owners }) {
      const denoised = new Float64Array(x.length);
      for (let from = 0; from < owners.length; from += most) {
        const part = (vector: Vector, width: number) => vector.subarray(from * width, (from + most) * width);
        const some = owners.slice(from, from + most);
        const answer = await denoise({ x: part(x, size), sigma: part(sigma, 1) }, some);
        denoised.set(answer.denoised, from * size);
        progress((evaluated += some.length));
      }
      return { denoised };
    },
  };
}
