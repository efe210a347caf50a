import { type Observation, solve } from '@fewstep/solvers';
import type { Range, Run, Slice } from '@fewstep/taskgraph';
import { countOf, sliceTensors, writeTensors } from './artifacts.js';
import { batchesOf, scaled } from './batches.js';
import type { Guidable } from './guide.js';
import type { teacher as kind } from './kinds.js';
import { openSolve } from './open-solve.js';
import { type SolveParams, solverOf, timesOf } from './solving.js';

export interface TeacherParams extends SolveParams, Guidable {
  /** The teacher takes M + 1 steps in each of the numSteps − 1 intervals. */
  readonly M: number;
  readonly seeds: Range;
}

/**
 * Trajectories of a range of seeds, at the student's timestamps. float32, K = numSteps − 1 intervals:
 *
 * - `x` [K, n, …]: where each interval ends.
 * - `denoised` [K, n, …] and `bottleneck` [K, n, 64]: what the network said where each interval begins, so that a student
 *   that starts there need not ask again.
 */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, dir, progress } = context;
  const { seeds, M, numSteps } = params;
  const { shape, solving, batch: batchOf } = await openSolve(context);
  const solver = solverOf(solving);
  const intervals = numSteps - 1;
  const sigmas = timesOf(solving, (M + 1) * intervals + 1);
  const n = seeds[1] - seeds[0] + 1;
  const size = shape[0] * shape[1] * shape[2];
  const x = new Float32Array(intervals * n * size);
  const denoised = new Float32Array(intervals * n * size);
  let bottleneck = new Float32Array();
  let filled = 0;
  let nfe = 0;
  let evaluated = 0;
  for (const batch of batchesOf(seeds, hints.batch ?? 64)) {
    const { latents, denoise } = batchOf(batch);
    const opened: Observation[] = [];
    const solution = await solve({
      solver,
      x: scaled(latents, sigmas[0]!),
      n: batch.length,
      sigmas,
      keep: (point) => point % (M + 1) === 0,
      denoise,
      onEvaluation: (observation) => {
        const { step, stage } = observation;
        if (stage === 0 && step % (M + 1) === 0) opened.push(observation);
        progress((evaluated += batch.length));
      },
    });
    nfe = solution.nfe;
    for (let k = 0; k < intervals; k++) {
      const [start, sigma] = [solution.trajectory[k]!, sigmas[k * (M + 1)]!];
      // unipc moves on after it has asked, so that the network has said nothing where its interval begins.
      let opening = opened.find(({ request }) => request.x === start)?.evaluation;
      if (!opening) {
        opening = await denoise({ x: start, sigma });
        nfe++;
      }
      const features = opening.bottleneck!.length / batch.length;
      if (bottleneck.length === 0) bottleneck = new Float32Array(intervals * n * features);
      x.set(solution.trajectory[k + 1]!, (k * n + filled) * size);
      denoised.set(opening.denoised, (k * n + filled) * size);
      bottleneck.set(opening.bottleneck!, (k * n + filled) * features);
    }
    filled += batch.length;
  }
  const trajectories = await writeTensors(dir, 'trajectories.safetensors', {
    x: { dtype: 'F32', shape: [intervals, n, ...shape], data: x },
    denoised: { dtype: 'F32', shape: [intervals, n, ...shape], data: denoised },
    bottleneck: {
      dtype: 'F32',
      shape: [intervals, n, bottleneck.length / (intervals * n)],
      data: bottleneck,
    },
  });
  return { files: { trajectories }, meta: { nfe, images: n } };
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const tensors = await sliceTensors(inputs.trajectories, params, () => 1);
  const trajectories = await writeTensors(dir, 'trajectories.safetensors', tensors);
  return { files: { trajectories }, meta: countOf(params) };
};
