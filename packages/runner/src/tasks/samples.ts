import { toUint8 } from '@fewstep/models';
import { solve } from '@fewstep/solvers';
import type { Range, Run, Slice } from '@fewstep/taskgraph';
import { countOf, sliceTensors, writeImages, writeTensors } from './artifacts.js';
import { batchesOf, type Drawing, scaled } from './batches.js';
import type { Guidable } from './guide.js';
import type { samples as kind } from './kinds.js';
import { loadDecoder } from './load-decoder.js';
import { openSampler, type SamplerParams } from './sampler.js';

export type SamplesParams = SamplerParams & Drawing & Guidable & { readonly seeds: Range };

/** Images of a range of seeds: by the plain solver, by the student where there is a predictor, or by a table. */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, dir, progress } = context;
  const { seeds } = params;
  const { info, shape, solved, thresholding, depth, batch: batchOf } = await openSampler(context);
  const decoder = await loadDecoder(context, info);
  const [channels, height, width] = decoder?.shape ?? shape;
  const n = seeds[1] - seeds[0] + 1;
  const data = new Uint8Array(n * channels * height * width);
  let filled = 0;
  let nfe = 0;
  let evaluated = 0;
  let forwards = 0;
  for (const batch of batchesOf(seeds, hints.batch ?? 64)) {
    const { latents, denoise } = batchOf(batch);
    const solution = await solve({
      ...solved,
      x: scaled(latents, solved.sigmas[0]!),
      n: batch.length,
      denoise: async (request) => {
        const evaluation = await denoise(request);
        forwards += evaluation.forwards;
        progress((evaluated += batch.length));
        return evaluation;
      },
    });
    const images = toUint8(decoder ? await decoder.decode(solution.x) : solution.x);
    data.set(images, filled);
    filled += images.length;
    nfe = solution.nfe;
  }
  return {
    files: { images: await writeImages(dir, { data, n, channels, height, width }) },
    meta: {
      nfe,
      images: n,
      ...(forwards !== nfe * n && { forwards: forwards / n }),
      ...(depth !== undefined && { depth }),
      ...(thresholding !== undefined && { thresholding }),
    },
  };
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const tensors = await sliceTensors(inputs.images, params, () => 0);
  return { files: { images: await writeTensors(dir, 'images.safetensors', tensors) }, meta: countOf(params) };
};
