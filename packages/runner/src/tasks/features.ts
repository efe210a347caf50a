import type { Run, Slice } from '@fewstep/taskgraph';
import { readImages, sliceTensors, tensorOf } from './artifacts.js';
import { writeFeatures } from './features-file.js';
import type { features as kind } from './kinds.js';
import { openFeatures } from './open-features.js';

/** Features of a shard of samples. */
export const run: Run<typeof kind> = async (context) => {
  const { inputs, dir, progress } = context;
  const network = await openFeatures(context);
  const found = await network.features(await readImages(inputs.images), progress);
  return writeFeatures(dir, found, network.dim, network.resize);
};

export const slice: Slice<typeof kind> = async ({ params, inputs, dir }) => {
  const { features } = await sliceTensors(inputs.features, params, () => 0);
  const { data, shape } = tensorOf({ ...(features && { features }) }, 'features', 'F32');
  return writeFeatures(dir, data, shape[1] ?? 0);
};
