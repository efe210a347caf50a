import { frechetDistance, statistics } from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import { writeValue } from './artifacts.js';
import { featureSets } from './features-file.js';
import type { fidOfStatistics as kind } from './kinds.js';
import { withProducts } from './products.js';
import { bothStatistics, publishedStatistics } from './published-statistics.js';

/** Fréchet distance between published statistics and the features of real images, or their statistics. */
export const run: Run<typeof kind> = ({ inputs: { set, reference, statistics: published }, dir }) =>
  withProducts(async (products) => {
    const pair = async () => {
      if (published !== undefined) return bothStatistics(set, published);
      const real = await statistics(featureSets(reference), products);
      return [await publishedStatistics(set, real.mu.length), real] as const;
    };
    return writeValue(dir, { fid: await frechetDistance(...(await pair()), products) });
  });
