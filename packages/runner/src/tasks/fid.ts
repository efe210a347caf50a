import {
  errorOfInfluences,
  frechetDistance,
  frechetInfluences,
  frechetJackknife,
  statistics,
} from '@fewstep/metrics';
import type { Run } from '@fewstep/taskgraph';
import type { fidKind as kind } from '../scores/scores.js';
import { writeTensors, writeValue } from './artifacts.js';
import { featureSets } from './features-file.js';
import { withProducts } from './products.js';
import { publishedStatistics } from './published-statistics.js';

/** Of as many images, or more, papers have it: FID∞ is for fewer. */
const PUBLISHED = 50_000;

/** Each costs a distance; more bring FID∞ nearer by little. */
const GROUPS = 4;

/** Of fewer images than this 1/n is no law (`frechetJackknife`), and groups need two images each. */
const enoughFor = (dim: number) => Math.max(2 * dim, 2 * GROUPS);

/**
 * Fréchet distance between the features of samples and of real images, the latter themselves or as their statistics; its
 * standard error over other samples, as many, the real images being fixed; and where images are fewer than papers have, what
 * infinitely many would have. Beside it `influences` [n] float64, what each image adds to the distance to first order, in their
 * order.
 */
export const run: Run<typeof kind> = ({ inputs, dir }) =>
  withProducts(async (products) => {
    const features = featureSets(inputs.features);
    const found = await statistics(features, products);
    const dim = found.mu.length;
    const published = inputs.statistics;
    const reference = published
      ? await publishedStatistics(published, dim)
      : await statistics(featureSets(inputs.reference), products);
    const influences = await frechetInfluences(features, found, reference, products);
    const fid_se = errorOfInfluences(influences);
    const file = await writeTensors(dir, 'influences.safetensors', {
      influences: { dtype: 'F64', shape: [found.n], data: influences },
    });
    const written = async (value: Readonly<Record<string, number>>) => {
      const { files, meta } = await writeValue(dir, value);
      return { files: { ...files, influences: file }, meta };
    };
    if (found.n >= PUBLISHED || found.n < enoughFor(dim))
      return written({ fid: await frechetDistance(found, reference, products), fid_se });
    const options = { groups: GROUPS, ...products };
    const { distance, limit } = await frechetJackknife(features, found, reference, options);
    // it varies as the distance does, or less
    return written({ fid: distance, fid_se, fid_inf: limit, fid_inf_se: fid_se });
  });
