import { kid } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import type { kidKind as kind } from '../scores/scores.js';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';

/** Kernel inception distance over all samples and all real images. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  return writeValue(dir, {
    kid: kid(await readFeatures(inputs.features), await readFeatures(inputs.reference)),
  });
};
