import { imagePath } from '@fewstep/metrics';
import { batchPlan, draw, type Generator, latents, numpySeed, parseSeeds, torchCpu } from '@fewstep/solvers';
import { mixedError } from './golden.js';
import { outcome, type Topic } from './topic.js';

/** PyTorch's CPU generator, the sampler's draws per seed, the lists of seeds and the names of their images. */
export const rng: Topic = async (golden) => {
  const { cases, sampler_cases = [], batch_plans = [], image_paths = [], numpy_draws = [] } = golden.index;
  const outcomes = [];

  for (const one of cases)
    outcomes.push(
      await outcome(one.id, () => {
        const generator = torchCpu(one.seed);
        const draws = one.kind === 'sequence' ? one.draws : [{ draw: one.kind, ...one }];
        for (const { draw: kind, size, high, array } of draws) {
          const values = drawOf(generator, kind, size, high);
          const difference = differs(
            values.slice(-(one.keep_last ?? size)),
            golden.array(array),
            kind === 'randn' ? one.tol : 0,
          );
          if (difference) return `${array}: ${difference}`;
        }
        return undefined;
      }),
    );

  for (const one of sampler_cases)
    outcomes.push(
      await outcome(one.id, () => {
        const shape = one.latents_shape.slice(1);
        const difference = differs(latents(one.seeds, shape), golden.array(one.latents), one.tol);
        if (difference) return difference;
        const labels = one.seeds.map((seed: number) => draw(seed, shape, one.label_dim).label);
        const official = one.labels && [...golden.array(one.labels)];
        return (
          equal(labels, official ?? one.seeds.map(() => undefined)) ??
          (one.labels_list && equal(labels, one.labels_list))
        );
      }),
    );

  for (const one of batch_plans)
    outcomes.push(
      await outcome(`batches ${one.seeds_text} by ${one.max_batch} on ${one.processes}`, () => {
        const seeds = parseSeeds(one.seeds_text);
        return (
          equal(seeds, one.seeds) ??
          equal(batchPlan(seeds, one.max_batch, one.processes), one.batches_by_process)
        );
      }),
    );

  for (const one of image_paths)
    outcomes.push(
      await outcome(`image path ${one.seed}`, () =>
        equal(
          [true, false].map((subdirs) => imagePath(one.seed, { subdirs })),
          [one.with_subdirs, one.without],
        ),
      ),
    );

  for (const one of numpy_draws)
    outcomes.push(
      await outcome(`numpy ${one.seed}`, () => equal(numpySeed(one.seed), one.first_draw_below_2_31)),
    );
  return outcomes;
};

/** A draw by the index's name: rand, randn, randint, or randint followed by its bound. */
function drawOf(generator: Generator, kind: string, size: number, high?: number): Float64Array {
  if (kind === 'rand') return generator.rand(size);
  if (kind === 'randn') return generator.randn(size);
  const [, bound = high] = /^randint(\d+)$/.exec(kind) ?? [];
  return generator.randint(Number(bound), size);
}

function differs(found: Float64Array, expected: Float64Array, tolerance: number): string | undefined {
  const error = mixedError(found, expected);
  return error <= tolerance ? undefined : `error ${error.toExponential(1)}, allowed ${tolerance}`;
}

function equal(found: unknown, expected: unknown): string | undefined {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  return a === b ? undefined : `found ${a?.slice(0, 100)}, expected ${b?.slice(0, 100)}`;
}
