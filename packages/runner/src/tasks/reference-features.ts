import { countImages, openFeatureNetwork, readImages } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import { writeFeatures } from './features-file.js';
import type { referenceFeatures as kind } from './kinds.js';

export interface ReferenceParams {
  /** Part `part` (from 0) of `of` parts of equal size, in the order of names. */
  readonly part: number;
  readonly of: number;
}

/** Features of one part of a set of images on disk. */
export const run: Run<typeof kind> = async ({ params: { part, of }, hints, inputs, dir, progress }) => {
  const { data } = inputs;
  const count = await countImages(data);
  const start = Math.floor((count * part) / of);
  const end = Math.floor((count * (part + 1)) / of);
  const network = await openFeatureNetwork(inputs.network);
  try {
    const features = new Float32Array((end - start) * network.dim);
    let done = 0;
    for await (const images of readImages(data, { batch: hints.batch ?? 64, start, end })) {
      features.set(await network.features(images), done * network.dim);
      progress((done += images.n));
    }
    return await writeFeatures(dir, features, network.dim);
  } finally {
    await network.close();
  }
};
