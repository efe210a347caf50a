import { solve } from '@fewstep/solvers';
import type { Range, Run } from '@fewstep/taskgraph';
import { writeTensors } from './artifacts.js';
import { batchesOf, type Drawing, scaled } from './batches.js';
import type { Guidable } from './guide.js';
import type { targets as kind } from './kinds.js';
import { openSolve } from './open-solve.js';
import { type SolveParams, solverOf, timesOf } from './solving.js';

export interface TargetsParams extends SolveParams, Guidable, Drawing {
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  readonly seeds: Range;
}

/** Where a teacher ends, of a range of seeds: `x` float32 [n, …], pixels or latents, and `nfe` [1], its evaluations of one. */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, dir, progress } = context;
  const { seeds, afs, denoiseToZero } = params;
  const { shape, solving, batch: batchOf } = await openSolve(context);
  const [solver, sigmas] = [solverOf(solving), timesOf(solving)];
  const n = seeds[1] - seeds[0] + 1;
  const data = new Float32Array(n * shape[0] * shape[1] * shape[2]);
  let [filled, evaluated, nfe] = [0, 0, 0];
  for (const batch of batchesOf(seeds, hints.batch ?? 64)) {
    const { latents, denoise } = batchOf(batch);
    const solution = await solve({
      solver,
      x: scaled(latents, sigmas[0]!),
      n: batch.length,
      ...{ sigmas, afs, denoiseToZero, denoise },
      onEvaluation: () => progress((evaluated += batch.length)),
    });
    data.set(solution.x, filled);
    filled += solution.x.length;
    nfe = solution.nfe;
  }
  const targets = await writeTensors(dir, 'targets.safetensors', {
    x: { dtype: 'F32', shape: [n, ...shape], data },
    nfe: { dtype: 'F32', shape: [1], data: Float32Array.of(nfe) },
  });
  return { files: { targets }, meta: { nfe, images: n } };
};
