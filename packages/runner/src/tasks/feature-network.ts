import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportFeatureNetwork, readInceptionCheckpoint } from '@fewstep/models';
import type { TaskContext, TaskResult } from './task-module.js';

/** FID's published Inception-v3 as an ONNX feature network, images resized as in the original. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  const { graph } = exportFeatureNetwork(await readInceptionCheckpoint(inputs.weights![0]!));
  await writeFile(join(dir, 'features.onnx'), graph);
  return { files: { graph: 'features.onnx' }, meta: {} };
}
