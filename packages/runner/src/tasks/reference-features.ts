import { countImages, readImages } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import { writeFeatures } from './features-file.js';
import type { referenceFeatures as kind } from './kinds.js';
import { openFeatures } from './open-features.js';

export interface ReferenceParams {
  /** Part `part` (from 0) of `of` parts of equal size, in the order of names. */
  readonly part: number;
  readonly of: number;
}

/** Features of one part of a set of images on disk. */
export const run: Run<typeof kind> = async (context) => {
  const { hints, inputs, dir, progress } = context;
  const { part, of } = context.params;
  const { data } = inputs;
  const count = await countImages(data);
  const start = Math.floor((count * part) / of);
  const end = Math.floor((count * (part + 1)) / of);
  const network = await openFeatures(context);
  const features = new Float32Array((end - start) * network.dim);
  let done = 0;
  for await (const images of readImages(data, { batch: hints.batch ?? 64, start, end, labels: false })) {
    features.set(await network.features(images), done * network.dim);
    progress((done += images.n));
  }
  return writeFeatures(dir, features, network.dim);
};
