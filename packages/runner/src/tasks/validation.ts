import { type Solver, solve, type Vector } from '@fewstep/solvers';
import { lengthOf, type Range } from '@fewstep/taskgraph';
import { batchesOf, scaled } from './batches.js';
import { boundsSeen, type ModelInfo } from './model-info.js';
import type { OpenModel } from './open-solve.js';

/** What validates a predictor in training. */
interface Validating {
  /** Seeds that nothing is trained on; absent: there are none. */
  readonly seeds: Range | undefined;
  readonly batch: number;
  readonly afs?: boolean;
  /** Where the teacher ends from so many of them, one batch after the other: [n × size]. */
  ends(n: number): Vector | Promise<Vector>;
}

/**
 * Gives a student's loss where it ends, Σ (student − teacher)² of what is seen of a sample, on the seeds that nothing is
 * trained on, and what that costs: the student's evaluations on each of these images. Undefined where there are none.
 */
export async function validation(
  { seeds, batch, afs = false, ends }: Validating,
  { info, batch: batchOf }: Pick<OpenModel, 'batch'> & { readonly info: Pick<ModelInfo, 'decoder'> },
): Promise<
  | ((student: Solver, sigmas: Float64Array) => Promise<{ readonly loss: number; readonly calls: number }>)
  | undefined
> {
  if (!seeds) return undefined;
  const [low, high] = boundsSeen(info) ?? [-Infinity, Infinity];
  const seen = (value: number) => Math.min(high, Math.max(low, value));
  const batches: { readonly seeds: readonly number[]; readonly target: Vector }[] = [];
  for (const some of batchesOf(seeds, batch)) batches.push({ seeds: some, target: await ends(some.length) });
  return async (student, sigmas) => {
    let [total, calls] = [0, 0];
    for (const { seeds: some, target } of batches) {
      const { latents, denoise } = batchOf(some); // drawn anew each time: encoded prompts are too large to hold
      const start = scaled(latents, sigmas[0]!);
      const { x, nfe } = await solve({ solver: student, x: start, n: some.length, sigmas, afs, denoise });
      x.forEach((value, i) => {
        total += (seen(value) - seen(target[i]!)) ** 2;
      });
      calls += nfe * some.length;
    }
    return { loss: total / lengthOf(seeds), calls };
  };
}
