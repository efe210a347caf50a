import { openFeatureNetwork } from '@fewstep/metrics';
import type { Run, Slice } from '@fewstep/taskgraph';
import { readImages, sliceTensors, tensorOf } from './artifacts.js';
import { writeFeatures } from './features-file.js';
import type { features as kind } from './kinds.js';

/** Features of a shard of samples. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  const network = await openFeatureNetwork(inputs.network);
  try {
    return await writeFeatures(dir, await network.features(await readImages(inputs.images)), network.dim);
  } finally {
    await network.close();
  }
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const { features } = await sliceTensors(inputs.features, params, () => 0);
  const { data, shape } = tensorOf({ ...(features && { features }) }, 'features', 'F32');
  return writeFeatures(dir, data, shape[1] ?? 0);
};
