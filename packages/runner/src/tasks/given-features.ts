import type { Run } from '@fewstep/taskgraph';
import { openFeaturesOf } from '../features-of-file.js';
import { writeFeatures } from './features-file.js';
import type { givenFeatures as kind } from './kinds.js';

/** Which vectors of a file, by their numbers from 0; left out: all. */
export interface GivenFeaturesParams {
  readonly numbers?: readonly number[];
}

/** Features that somebody else computed, in float32 as ours. */
export const run: Run<typeof kind> = async ({ params: { numbers }, inputs, dir }) => {
  const file = await openFeaturesOf(inputs.file);
  try {
    const { dim } = file;
    const all = await file.read();
    if (!numbers) return await writeFeatures(dir, all, dim);
    const some = new Float32Array(numbers.length * dim);
    for (const [i, number] of numbers.entries())
      some.set(all.subarray(number * dim, (number + 1) * dim), i * dim);
    return await writeFeatures(dir, some, dim);
  } finally {
    file.close();
  }
};
