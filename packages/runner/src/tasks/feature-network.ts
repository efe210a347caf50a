import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportFeatureNetwork, readInceptionCheckpoint } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import type { featureNetwork as kind } from './kinds.js';

/** FID's published Inception-v3 as an ONNX feature network, images resized as in the original. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  const { graph } = exportFeatureNetwork(await readInceptionCheckpoint(inputs.weights));
  await writeFile(join(dir, 'features.onnx'), graph);
  return { files: { graph: 'features.onnx' }, meta: {} };
};
