import { type Kid, kid, kidOverSubsets } from '@fewstep/metrics';
import { torchCpu } from '@fewstep/solvers';
import type { Run } from '@fewstep/taskgraph';
import type { kidKind as kind } from '../scores/scores.js';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';
import { withProducts } from './products.js';

/**
 * Kernel inception distance between samples and real images: over all pairs where these are no more than the subsets have,
 * for nothing is surer; else over subsets, of as many images as the smaller set has at most.
 */
export const run: Run<typeof kind> = async ({ params: { subsets, size, seed }, inputs, dir, progress }) => {
  const [x, y] = [await readFeatures(inputs.features), await readFeatures(inputs.reference)];
  const [n, m] = [x.data.length / x.dim, y.data.length / y.dim];
  const { randint } = torchCpu(seed);
  const found = await withProducts<Kid>(({ times }) =>
    n * n + m * m + n * m <= subsets * 3 * size * size
      ? kid(x, y, { times, onProgress: progress })
      : kidOverSubsets(x, y, {
          subsets,
          size: Math.min(size, n, m),
          draw: (below) => randint(below, 1)[0]!,
          times,
          onProgress: progress,
        }),
  );
  return writeValue(dir, { kid: found.kid, kid_se: found.standardError });
};
