import { analyticalFirstStep, type Evaluation, type StepMetric, solve, stepCosts } from '@fewstep/solvers';
import type { Range, Run, Slice } from '@fewstep/taskgraph';
import type { GivenSchedule } from '../experiment/experiment.js';
import { countOf, sliceTensors, writeTensors } from './artifacts.js';
import { batchesOf, scaled } from './batches.js';
import type { Guidable } from './guide.js';
import type { stepCosts as kind } from './kinds.js';
import { openSolve } from './open-solve.js';
import { type SolveParams, solverOf, timesOf } from './solving.js';

/** The fine grid, and the teacher that follows it. */
export interface StepCostsParams extends SolveParams, Guidable {
  readonly schedule: GivenSchedule;
  readonly seeds: Range;
}

const stepMetrics: readonly StepMetric[] = ['dev', 'l1', 'l2'];

/** Bytes that a batch's trajectory and slopes may take. */
const mostBytes = 2 ** 30;

/**
 * What every Euler step along the trajectories of a range of seeds costs, N = numSteps levels:
 *
 * - `sigmas` [N], float64.
 * - `dev`, `l1`, `l2` [n, N, N], float32: of the step from the one level to the other, in each metric.
 * - `dev_afs`, … [n, N], float32: of those from the first level, where it is the analytical first step.
 */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, dir, progress } = context;
  const { seeds, numSteps: N } = params;
  const { shape, solving, batch: batchOf } = await openSolve(context);
  const size = shape[0] * shape[1] * shape[2];
  const solver = solverOf(solving);
  const sigmas = timesOf(solving);
  const n = seeds[1] - seeds[0] + 1;
  const byStep = costsOf(() => new Float32Array(n * N * N));
  const byFirstStep = costsOf(() => new Float32Array(n * N));
  const fitting = Math.max(1, Math.floor(mostBytes / (16 * N * size)));
  let filled = 0;
  let nfe = 0;
  let evaluated = 0;
  for (const batch of batchesOf(seeds, Math.min(hints.batch ?? 64, fitting))) {
    const { latents, denoise } = batchOf(batch);
    const openings: Evaluation[] = [];
    const { trajectory, nfe: asked } = await solve({
      solver,
      x: scaled(latents, sigmas[0]!),
      n: batch.length,
      sigmas,
      keep: 'all',
      denoise,
      onEvaluation: ({ evaluation }) => {
        openings.push(evaluation);
        progress((evaluated += batch.length));
      },
    });
    nfe = asked;
    const costsFrom = stepCosts({ sigmas, points: trajectory, n: batch.length });
    for (const [i, { denoised }] of openings.entries()) {
      const costs = costsFrom(i, denoised);
      for (const metric of stepMetrics)
        for (let image = 0; image < batch.length; image++)
          byStep[metric].set(
            costs[metric].subarray(image * N, (image + 1) * N),
            ((filled + image) * N + i) * N,
          );
    }
    const { denoised } = analyticalFirstStep({ x: trajectory[0]!, sigma: sigmas[0]! }, batch.length);
    const firstCosts = costsFrom(0, denoised);
    for (const metric of stepMetrics) byFirstStep[metric].set(firstCosts[metric], filled * N);
    filled += batch.length;
  }
  const costs = await writeTensors(dir, 'costs.safetensors', {
    sigmas: { dtype: 'F64', shape: [N], data: sigmas },
    ...Object.fromEntries(
      stepMetrics.flatMap((metric) => [
        [metric, { dtype: 'F32', shape: [n, N, N], data: byStep[metric] }],
        [`${metric}_afs`, { dtype: 'F32', shape: [n, N], data: byFirstStep[metric] }],
      ]),
    ),
  });
  return { files: { costs }, meta: { nfe, images: n } };
};

function costsOf<T>(make: () => T): Record<StepMetric, T> {
  return { dev: make(), l1: make(), l2: make() };
}

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const tensors = await sliceTensors(inputs.costs, params, (name) => (name === 'sigmas' ? undefined : 0));
  return { files: { costs: await writeTensors(dir, 'costs.safetensors', tensors) }, meta: countOf(params) };
};
