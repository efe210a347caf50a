import { type Observation, solve } from '@fewstep/solvers';
import type { Run, Slice } from '@fewstep/taskgraph';
import { countOf, sliceTensors, writeTensors } from './artifacts.js';
import { batchesOf, scaled } from './batches.js';
import type { inters as kind } from './kinds.js';
import { openSampler } from './sampler.js';
import type { SamplesParams } from './samples.js';

export type IntersParams = SamplesParams & {
  /** Keeps beside each noisy state what the network says of it, of a method that has timesteps. */
  readonly answers?: true;
};

/**
 * The states that samples go through: `inters` float32 [timesteps, n, channels, height, width], the first the start, of
 * pixels or latents, x = image + sigma · noise; and `sigmas` [timesteps], 0 of the denoised ones. With `answers` also
 * `answers` [noisy timesteps, n, …], D(x; sigma) of each that isn't denoised.
 *
 * Of a table, which has no timesteps, they are what the network is shown at each evaluation and the noise level that it is
 * told, and at last the sample.
 */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, dir, progress } = context;
  const { seeds } = params;
  const { shape, solved, asked, batch: batchOf } = await openSampler(context);
  const { sigmas, denoiseToZero } = solved;
  const levels = Float64Array.from([...(asked ?? sigmas), ...(asked || denoiseToZero ? [0] : [])]);
  const n = seeds[1] - seeds[0] + 1;
  const size = shape[0] * shape[1] * shape[2];
  const states = new Float32Array(levels.length * n * size);
  const answers = params.answers && !asked ? new Float32Array(sigmas.length * n * size) : undefined;
  let filled = 0;
  let evaluated = 0;
  for (const batch of batchesOf(seeds, hints.batch ?? 64)) {
    const { latents, denoise } = batchOf(batch);
    const shown: Float64Array[] = [];
    const seen: Observation[] = [];
    const { trajectory, x: sample } = await solve({
      ...solved,
      x: scaled(latents, sigmas[0]!),
      n: batch.length,
      keep: asked ? 'last' : 'all',
      denoise,
      onEvaluation: (observation) => {
        if (asked) shown.push(observation.request.x);
        if (answers && !observation.analytical) seen.push(observation);
        progress((evaluated += batch.length));
      },
    });
    for (const [k, x] of (asked ? [...shown, sample] : trajectory).entries())
      states.set(x, (k * n + filled) * size);
    if (answers)
      for (const [k, sigma] of sigmas.entries()) {
        const x = trajectory[k]!;
        // not every method asks where its intervals begin, and none where they end
        const { denoised } =
          seen.find(({ request }) => request.x === x)?.evaluation ?? (await denoise({ x, sigma }));
        answers.set(denoised, (k * n + filled) * size);
      }
    filled += batch.length;
  }
  const inters = await writeTensors(dir, 'inters.safetensors', {
    sigmas: { dtype: 'F64', shape: [levels.length], data: levels },
    inters: { dtype: 'F32', shape: [levels.length, n, ...shape], data: states },
    ...(answers && { answers: { dtype: 'F32', shape: [sigmas.length, n, ...shape], data: answers } }),
  });
  return { files: { inters }, meta: { images: n } };
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const tensors = await sliceTensors(inputs.inters, params, (name) => (name === 'sigmas' ? undefined : 1));
  return { files: { inters: await writeTensors(dir, 'inters.safetensors', tensors) }, meta: countOf(params) };
};
