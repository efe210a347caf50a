import { readFile } from 'node:fs/promises';
import { toUint8 } from '@fewstep/metrics';
import { predict, solve } from '@fewstep/solvers';
import { parsePredictor } from '../predictor/predictor-file.js';
import type { SeedRange } from '../spec/seeds.js';
import { writeImages } from './artifacts.js';
import { batchesOf, type Drawing, denoiseWith, scaled, startOf } from './batches.js';
import { loadDenoiser, shapeOf } from './load-denoiser.js';
import { type SolveParams, scheduleOf, solverOf, studentOf, timesOf } from './methods.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface SamplesParams extends SolveParams, Drawing {
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  readonly seeds: SeedRange;
}

/** Images of a range of seeds: by the plain solver, or by the student where there is a predictor. */
export async function run({
  params,
  hints,
  inputs,
  dir,
  progress,
}: TaskContext<SamplesParams>): Promise<TaskResult> {
  const { seeds, afs, denoiseToZero, method } = params;
  const { info, denoiser } = await loadDenoiser(inputs);
  const [channels, height, width] = shapeOf(info);
  const predictorFile = inputs.predictor?.[0];
  const solver = predictorFile
    ? studentOf(method).steered(predict(parsePredictor(await readFile(predictorFile)).predictor))
    : solverOf(params);
  const sigmas = timesOf({ ...params, schedule: await scheduleOf(params, inputs) });
  const n = seeds[1] - seeds[0] + 1;
  const data = new Uint8Array(n * channels * height * width);
  let filled = 0;
  let nfe = 0;
  let evaluated = 0;
  for (const batch of batchesOf(seeds, hints.batch ?? 64)) {
    const { latents, labels } = startOf(batch, [channels, height, width], info.labelDim, params);
    const evaluate = denoiseWith(denoiser, labels);
    const solution = await solve({
      solver,
      x: scaled(latents, sigmas[0]!),
      n: batch.length,
      sigmas,
      afs,
      denoiseToZero,
      denoise: async (request) => {
        const evaluation = await evaluate(request);
        progress((evaluated += batch.length));
        return evaluation;
      },
    });
    data.set(toUint8(solution.x), filled);
    filled += latents.length;
    nfe = solution.nfe;
  }
  return {
    files: { images: await writeImages(dir, { data, n, channels, height, width }) },
    meta: { nfe, images: n },
  };
}
