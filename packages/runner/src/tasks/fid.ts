import { frechetDistance, statistics } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import type { fidKind as kind } from '../scores/scores.js';
import { writeValue } from './artifacts.js';
import { featureSets } from './features-file.js';
import { withProducts } from './products.js';
import { publishedStatistics } from './published-statistics.js';

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
