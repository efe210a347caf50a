import type { Run } from '@fewstep/taskgraph';
import { loadScore } from '../modules/load-module.js';
import type { ownKind } from '../scores/scores.js';
import { readImages, writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';

/** A score that a file of the user's own declares. */
export const run: Run<typeof ownKind> = async ({ inputs, dir }) => {
  const { needs, compute } = await loadScore(inputs.module);
  if (needs === 'images') {
    const { data, n, channels, height, width } = await readImages(inputs.images);
    return writeValue(dir, await compute({ images: { data, shape: [n, channels, height, width] } }));
  }
  const rows = async (paths: readonly string[]) => {
    const { data, dim } = await readFeatures(paths);
    return { data, shape: [data.length / dim, dim] };
  };
  return writeValue(
    dir,
    await compute({ features: await rows(inputs.features), real: await rows(inputs.real) }),
  );
};
