import { clipImages } from '@fewstep/metrics';
import { readImages } from '@fewstep/metrics/images';
import type { Run } from '@fewstep/taskgraph';
import type { clipSetEmbeddings as kind } from './kinds.js';
import { openClipOf, writeEmbeddings } from './open-clip.js';
import { numbersIn } from './reference-features.js';

/** Embeddings of some of a set of images on disk. */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, inputs, dir, progress } = context;
  const numbers = await numbersIn(inputs.data, params);
  const clip = await openClipOf(context);
  const data = new Float32Array(numbers.length * clip.dim);
  let done = 0;
  for await (const images of readImages(inputs.data, { batch: hints.batch ?? 64, numbers, labels: false })) {
    data.set(await clip.embedImages(clipImages(images, clip.imageSize)), done * clip.dim);
    progress((done += images.n));
  }
  return { files: { embeddings: await writeEmbeddings(dir, data, clip.dim) }, meta: { images: done } };
};
