import { frechetDistance, type Statistics, statistics } from '@fewstep/metrics';
import { readStatistics } from '@fewstep/metrics/npz';
import type { Run } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import type { fidKind as kind } from '../scores/scores.js';
import { writeValue } from './artifacts.js';
import { featureSets } from './features-file.js';
import { withProducts } from './products.js';

/** Fréchet distance between the features of samples and of real images, the latter themselves or as their statistics. */
export const run: Run<typeof kind> = ({ inputs, dir }) =>
  withProducts(async (products) => {
    const found = await statistics(featureSets(inputs.features), products);
    const published = inputs.statistics;
    const reference = published
      ? await publishedStatistics(published, found.mu.length)
      : await statistics(featureSets(inputs.reference), products);
    return writeValue(dir, { fid: await frechetDistance(found, reference, products) });
  });

/** @throws RunnerError E_STATISTICS where the file is of another feature network */
async function publishedStatistics(path: string, dim: number): Promise<Statistics> {
  const published = await readStatistics(path);
  if (published.mu.length !== dim) {
    throw new RunnerError(
      'E_STATISTICS',
      `${path} is of ${published.mu.length} features, and the feature network gives ${dim}: take the statistics that this network makes of the real images (fewstep fid ref).`,
      { exitCode: 1, evidence: { path, expected: dim, found: published.mu.length } },
    );
  }
  return published;
}
