import { boundsCost } from '@fewstep/solvers';
import { each, graphBuilder, outputs, type Shards, type Task } from '@fewstep/taskgraph';
import type { Point } from '../experiment/experiment.js';
import { fitBlock } from '../experiment/schema.js';
import { countOfSeeds } from '../experiment/seeds.js';
import { fileOf } from '../files-of.js';
import * as kinds from '../tasks/kinds.js';
import { chosenInputs, guidable, modelInputs, planModel, rangeOf, timesOf } from './compile.js';

/** What could be learned beyond a table: by numbers of each sample's own, and by rows of bands. */
interface PlannedBounds {
  readonly own: Shards<typeof kinds.bounds>;
  readonly byBand: Task<typeof kinds.boundsByBand>;
}

/** The bounds of a point's table on its seeds, against where its reference ends. */
export function compileBounds(point: Point, { file, sampler }: NonNullable<Point['table']>): PlannedBounds {
  const graph = graphBuilder();
  const { dataset, guidance, seeds, batch, rng, classes, reference } = point;
  const model = planModel(graph, point);
  const network = modelInputs(model);
  const given = {
    ...(rng !== 'torch-cpu' && { rng }),
    ...(classes !== 'random' && { classes }),
    ...guidable(guidance),
  };
  const inBlocks = { ranges: seeds, size: fitBlock, item: 'seed', hints: { batch } } as const;
  const targets = graph.shards(kinds.targets, {
    title: `targets by ${reference.method.solver}`,
    params: {
      ...timesOf(dataset, reference),
      method: reference.method,
      afs: reference.afs,
      denoiseToZero: reference.denoiseToZero,
      ...given,
    },
    inputs: { ...network, ...chosenInputs(undefined, reference) },
    ...inBlocks,
    workPerItem: (reference.numSteps - 1) * reference.evaluations,
  });
  const params = { ...rangeOf(dataset), ...given };
  const table = fileOf(file, 'model');
  return {
    own: graph.shards(kinds.bounds, {
      title: `bounds of ${point.label}`,
      params,
      inputs: { ...network, sampler: table, targets: each(targets, 'targets') },
      ...inBlocks,
      workPerItem: boundsCost(sampler.table),
    }),
    byBand: graph.task(kinds.boundsByBand, {
      title: `bounds by band of ${point.label}`,
      params: { ...params, seeds },
      inputs: {
        ...network,
        conditions: seeds.flatMap((range) => model.conditions.flatMap((prompts) => prompts.of(range))),
        sampler: table,
        targets: [outputs(targets, 'targets')],
      },
      hints: { batch },
      work: countOfSeeds(seeds) * sampler.table.sigmas.length,
    }),
  };
}
