import { clipImages } from '@fewstep/metrics';
import type { Run, Slice } from '@fewstep/taskgraph';
import { countOf, readImages, sliceTensors, writeTensors } from './artifacts.js';
import type { clipEmbeddings as kind } from './kinds.js';
import { openClipOf, writeEmbeddings } from './open-clip.js';

/** Embeddings of a shard of samples. */
export const run: Run<typeof kind> = async (context) => {
  const { inputs, dir } = context;
  const clip = await openClipOf(context);
  const images = await readImages(inputs.images);
  const data = await clip.embedImages(clipImages(images, clip.imageSize));
  return { files: { embeddings: await writeEmbeddings(dir, data, clip.dim) }, meta: { images: images.n } };
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const tensors = await sliceTensors(inputs.embeddings, params, () => 0);
  const embeddings = await writeTensors(dir, 'embeddings.safetensors', tensors);
  return { files: { embeddings }, meta: countOf(params) };
};
