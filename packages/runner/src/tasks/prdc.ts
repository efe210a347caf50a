import { prdc } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';
import type { prdc as kind } from './kinds.js';

export interface PrdcParams {
  readonly k: number;
}

/** Precision, recall, density and coverage, with balls that reach to the k-th nearest neighbour. */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const real = await readFeatures(inputs.reference);
  const fake = await readFeatures(inputs.features);
  const { precision, recall, density, coverage } = prdc(real, fake, params.k);
  return writeValue(dir, { precision, recall, density, coverage });
};
