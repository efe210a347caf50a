import { openFeatureNetwork } from '@fewstep/metrics';
import { readImages } from './artifacts.js';
import { writeFeatures } from './features-file.js';
import type { TaskContext, TaskResult } from './task-module.js';

/** Features of a shard of samples. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  const network = await openFeatureNetwork(inputs.network![0]!);
  try {
    return await writeFeatures(dir, await network.features(await readImages(inputs.images!)), network.dim);
  } finally {
    await network.close();
  }
}
