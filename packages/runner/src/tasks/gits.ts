import { gits } from '@fewstep/schedules';
import type { StepMetric } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import { readTensors, tensorOf } from './artifacts.js';
import type { gits as kind } from './kinds.js';
import { writeSchedule } from './schedule-file.js';

export interface GitsParams {
  readonly metric: StepMetric;
  readonly coeff: number;
  readonly numSteps: number;
  /** The first step is the analytical one. */
  readonly afs: boolean;
}

/** The noise levels whose steps cost least, on the mean over all warm-up images. */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const { metric, coeff, numSteps, afs } = params;
  let sigmas = new Float64Array();
  let sum = new Float64Array();
  let images = 0;
  for (const path of inputs.costs) {
    const tensors = await readTensors(path);
    sigmas = Float64Array.from(tensorOf(tensors, 'sigmas', 'F64').data);
    const N = sigmas.length;
    const byStep = tensorOf(tensors, metric, 'F32').data;
    const byFirstStep = tensorOf(tensors, `${metric}_afs`, 'F32').data;
    if (sum.length === 0) sum = new Float64Array(N * N);
    // Image by image, so that shards change no bit of the sum.
    for (let image = 0; image < byFirstStep.length / N; image++, images++)
      for (let at = 0; at < N * N; at++)
        sum[at]! += afs && at < N ? byFirstStep[image * N + at]! : byStep[image * N * N + at]!;
  }
  const { indices, cost } = gits({ costs: sum.map((value) => value / images), numSteps, coeff });
  const found = { sigmas: indices.map((index) => sigmas[index]!), indices, cost };
  return { files: { schedule: await writeSchedule(dir, found) }, meta: { cost, images } };
};
