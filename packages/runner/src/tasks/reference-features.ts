import { countImages, openFeatureNetwork, readImages } from '@fewstep/metrics';
import { writeFeatures } from './features-file.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface ReferenceParams {
  /** Part `part` (from 0) of `of` parts of equal size, in the order of names. */
  readonly part: number;
  readonly of: number;
}

/** Features of one part of a set of images on disk. */
export async function run({
  params: { part, of },
  hints,
  inputs,
  dir,
  progress,
}: TaskContext<ReferenceParams>): Promise<TaskResult> {
  const [data] = inputs.data!;
  const count = await countImages(data!);
  const start = Math.floor((count * part) / of);
  const end = Math.floor((count * (part + 1)) / of);
  const network = await openFeatureNetwork(inputs.network![0]!);
  try {
    const features = new Float32Array((end - start) * network.dim);
    let done = 0;
    for await (const images of readImages(data!, { batch: hints.batch ?? 64, start, end })) {
      features.set(await network.features(images), done * network.dim);
      progress((done += images.n));
    }
    return await writeFeatures(dir, features, network.dim);
  } finally {
    await network.close();
  }
}
