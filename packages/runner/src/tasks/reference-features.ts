import { countImages, readImages } from '@fewstep/metrics/images';
import type { Run } from '@fewstep/taskgraph';
import { writeFeatures } from './features-file.js';
import type { referenceFeatures as kind } from './kinds.js';
import { type FeatureParams, openFeatures } from './open-features.js';

/** Which images of a set: a part of all, or some by their numbers. */
export type Which =
  /** Part `part` (from 0) of `of` parts of equal size, in the order of names. */
  | { readonly part: number; readonly of: number }
  /** From 0, in the order of names. */
  | { readonly numbers: readonly number[] };
export type ReferenceParams = Which & FeatureParams;

/** Features of some of a set of images on disk. */
export const run: Run<typeof kind> = async (context) => {
  const { params, hints, inputs, dir, progress } = context;
  const { data } = inputs;
  const numbers = await numbersIn(data, params);
  const network = await openFeatures(context);
  const features = new Float32Array(numbers.length * network.dim);
  let done = 0;
  // whole batches of the network, so that none is filled up but the last
  const batch = Math.ceil((hints.batch ?? 256) / network.batch) * network.batch;
  for await (const images of readImages(data, { batch, numbers, labels: false })) {
    const before = done;
    const found = await network.features(images, (some) => progress(before + some));
    features.set(found, before * network.dim);
    done += images.n;
  }
  return writeFeatures(dir, features, network.dim, network.resize);
};

/** Which images of a set those are, by their numbers. */
export async function numbersIn(data: string, params: Which): Promise<readonly number[]> {
  if ('numbers' in params) return params.numbers;
  const { part, of } = params;
  const count = await countImages(data);
  const start = Math.floor((count * part) / of);
  const end = Math.floor((count * (part + 1)) / of);
  return Array.from({ length: end - start }, (_, i) => start + i);
}
