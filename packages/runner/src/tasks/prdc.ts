import { prdc } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import type { prdcKind as kind } from '../scores/scores.js';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';
import { withProducts } from './products.js';

/** Precision, recall, density and coverage, with balls that reach to the k-th nearest neighbour. */
export const run: Run<typeof kind> = async ({ params, inputs, dir, progress }) => {
  const real = await readFeatures(inputs.reference);
  const fake = await readFeatures(inputs.features);
  const { precision, recall, density, coverage } = await withProducts(({ times }) =>
    prdc(real, fake, params.k, { times, onProgress: progress }),
  );
  return writeValue(dir, { precision, recall, density, coverage });
};
