import type { JointRequest } from '../drive/lockstep.js';
import { concatenate } from '../math/vector.js';
import type { Evaluation, Vector } from '../solver.js';
import { bandNorms, octaves } from '../table/bands.js';

/** What a table is fitted to: noise, and what is seen of where a teacher ends from there. */
export interface Block {
  /** [n × size], of deviation 1. */
  readonly noise: Vector;
  /** [n × width], of a view. */
  readonly goal: Vector;
  readonly n: number;
}

/** Answers the samples of a request by themselves; `owners` are their places in the block. */
export type BlockDenoise = (request: JointRequest) => Evaluation | Promise<Evaluation>;

/**
 * What is seen of samples [n × size], and compared: n × width numbers, of each sample by itself. Where width is more than
 * size, the first size of them are the sample's own, and the others what counts beside.
 */
export type View = (samples: Vector, n: number) => Vector | Promise<Vector>;

/** Values themselves, those beyond the bounds as the bound: [−1, 1] of an image. Nothing is beyond those of latents. */
export const within =
  ([low, high]: readonly [number, number] = [-Infinity, Infinity]): View =>
  (samples) =>
    samples.map((value) => Math.min(high, Math.max(low, value)));

/** Numbers of n samples, and `unit` times others after those of each: [n × (width + more)] of [n × width] and [n × more]. */
export function beside(values: Vector, others: ArrayLike<number>, n: number, unit: number): Vector {
  const [width, more] = [values.length / n, others.length / n];
  const both = new Float64Array(values.length + others.length);
  for (let i = 0; i < n; i++) {
    const at = i * (width + more);
    both.set(values.subarray(i * width, (i + 1) * width), at);
    for (let j = 0; j < more; j++) both[at + width + j] = unit * others[i * more + j]!;
  }
  return both;
}

/** Bands that contrast is compared in. */
const contrasts = octaves(4);

/**
 * What a view shows, and beside it the contrast of that: the norm of each of four bands of spatial frequency of each channel,
 * whose squares count `weight` times those of the values. What a sample can't foresee of its goal a fit of least squares makes
 * smaller, and the more the finer it is; contrast takes it back.
 *
 * `shape`: [channels, height, width] of a sample, and of what the view shows.
 */
export const withContrast =
  (view: View, shape: readonly [number, number, number], weight: number): View =>
  async (samples, n) => {
    const values = await view(samples, n);
    return beside(values, bandNorms(values, { shape, edges: contrasts }), n, Math.sqrt(weight));
  };

/** The answers to several requests of a whole block, in one. */
export async function answers(
  asked: readonly { readonly x: Vector; readonly sigma: number }[],
  n: number,
  denoise: BlockDenoise,
): Promise<Vector[]> {
  if (asked.length === 0) return [];
  const { denoised } = await denoise({
    x: concatenate(asked.map(({ x }) => x)),
    sigma: concatenate(asked.map(({ sigma }) => new Float64Array(n).fill(sigma))),
    owners: asked.flatMap(() => Array.from({ length: n }, (_, i) => i)),
  });
  return split(denoised, asked.length);
}

/** What is seen of several batches of n samples, in one. */
export const seen = async (view: View, batches: readonly Vector[], n: number): Promise<Vector[]> =>
  split(await view(concatenate(batches), batches.length * n), batches.length);

function split(whole: Vector, parts: number): Vector[] {
  const length = whole.length / parts;
  return Array.from({ length: parts }, (_, i) => whole.subarray(i * length, (i + 1) * length));
}
