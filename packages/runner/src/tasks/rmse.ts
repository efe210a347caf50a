import { rmse } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import { readImages, writeValue } from './artifacts.js';
import type { rmse as kind } from './kinds.js';

/** Root mean square difference of two sets of images of the same seeds, in 8-bit units. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  const images = await readImages(inputs.images);
  const reference = await readImages(inputs.reference);
  return writeValue(dir, { rmse_to_teacher: rmse(images.data, reference.data) });
};
