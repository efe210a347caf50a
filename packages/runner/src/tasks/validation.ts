import { type Solver, solve, type Vector } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { batchesOf, scaled } from './batches.js';
import type { predictor } from './kinds.js';
import type { openSolve } from './open-solve.js';
import { trajectoryReader } from './trajectories.js';

/**
 * Gives a student's loss where it ends, Σ (student − teacher)² of a sample within `range`, on the seeds that nothing is
 * trained on; undefined where there are none. Costs the student's evaluations on each of these images.
 */
export async function validation(
  { params: { validation: seeds, batch, afs }, inputs }: Parameters<Run<typeof predictor>>[0],
  batchOf: Awaited<ReturnType<typeof openSolve>>['batch'],
  { range: [low, high] = [-Infinity, Infinity] }: { readonly range?: readonly [number, number] },
): Promise<((student: Solver, sigmas: Float64Array) => Promise<number>) | undefined> {
  if (!seeds) return undefined;
  const seen = (value: number) => Math.min(high, Math.max(low, value));
  const trajectories = trajectoryReader(inputs.validation);
  const batches: { readonly seeds: readonly number[]; readonly target: Vector }[] = [];
  for (const some of batchesOf(seeds, batch))
    batches.push({ seeds: some, target: (await trajectories.next(some.length)).points.at(-1)! });
  return async (student, sigmas) => {
    let total = 0;
    for (const { seeds: some, target } of batches) {
      const { latents, denoise } = batchOf(some); // drawn anew each time: encoded prompts are too large to hold
      const start = scaled(latents, sigmas[0]!);
      const { x } = await solve({ solver: student, x: start, n: some.length, sigmas, afs, denoise });
      x.forEach((value, i) => {
        total += (seen(value) - seen(target[i]!)) ** 2;
      });
    }
    return total / (seeds[1] - seeds[0] + 1);
  };
}
