import { basename } from 'node:path';
import { roundsOf } from '@fewstep/solvers/rounds';
import {
  each,
  type GraphBuilder,
  type OutputRef,
  output,
  outputs,
  type Range,
  type RangeRef,
  type Ref,
  type Shards,
  type Task,
} from '@fewstep/taskgraph';
import type { FitConfig, Point } from '../experiment/experiment.js';
import { fitBlock } from '../experiment/schema.js';
import { fileOf } from '../files-of.js';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';
import type { Guidable } from '../tasks/guide.js';
import * as kinds from '../tasks/kinds.js';
import type { TargetsParams } from '../tasks/targets.js';
import { featuresBy } from './reference.js';
import { planTargets } from './targets.js';

/** A table that is fitted. */
export interface PlannedFit {
  readonly sampler: Task<typeof kinds.sampler>;
  /** Its evaluations of one sample, for plans and progress alone. */
  readonly nfe: number;
}

/** A sampler, and files that choose of it. */
interface Solved {
  readonly params: Omit<TargetsParams, 'seeds' | 'guidance'>;
  readonly inputs: Readonly<Record<'schedule' | 'method' | 'spacing', Ref | undefined>>;
}

/** What a fit is planned from, beside what its spec says. */
interface Fitted {
  readonly fit: FitConfig;
  readonly network: {
    readonly graph: OutputRef;
    readonly info: OutputRef;
    readonly weights: OutputRef;
    readonly conditions: readonly RangeRef[];
  };
  readonly start: Solved;
  readonly teacher: Solved;
  /** Guidance that every evaluation takes part in, and what the file tells of any. */
  readonly guided: Guidable;
  readonly guidance: GuidanceSettings | undefined;
  readonly seeds: Range;
  readonly validation: Range;
}

type Targets = Shards<typeof kinds.targets>;

/**
 * The training of a table, a round a chain of tasks: the equations of each block of seeds, and how far off the table is
 * on each block that validates; the steps to try; how far off these are on the first of its blocks; the step that is taken. What has
 * nothing more to gain costs nothing.
 */
export function planFit(
  graph: GraphBuilder,
  { label, batch, dataset }: Point,
  { fit, network, start, teacher, guided, guidance, seeds, validation }: Fitted,
): PlannedFit {
  const { cost } = fit;
  const family = { ...start.params, generator: fit.generator };
  const contrast = fit.contrast > 0 && { contrast: fit.contrast };
  const chosen = { ...start.inputs, generator: fileOf(fit.generatorModule, 'module') };
  const inBlocks = { size: fitBlock, item: 'seed', hints: { batch } } as const;
  const targetsOf = (range: Range) =>
    planTargets(graph, fit.teacher, {
      params: { ...teacher.params, ...guided },
      inputs: { ...network, ...teacher.inputs },
      ranges: [range],
      batch,
    });
  const validationTargets = targetsOf(validation);
  const loss = fit.features && planFeatures(graph, fit.features, network.info, validationTargets);
  const onBlocks = (standing: OutputRef, of: Targets, workPerItem: number) => ({
    params: { ...family, ...guided, ...contrast, ...loss?.params },
    inputs: { ...network, ...chosen, targets: each(of, 'targets'), standing, ...loss?.inputs },
    ranges: of.ranges,
    ...inBlocks,
    workPerItem,
  });
  const validated = (standing: OutputRef, when: string) => {
    const parts = onBlocks(standing, validationTargets, cost.evaluations);
    const title = `validation of ${label}, ${when}`;
    return [outputs(graph.shards(kinds.fitSquares, { title, ...parts }), 'squares')];
  };
  const begin = graph.task(kinds.fitStart, {
    title: `start of ${label}`,
    params: family,
    inputs: { info: network.info, ...chosen },
  });
  let standing = output(begin, 'standing');
  for (const [i, { first, count, keep }] of roundsOf(fit.images / fitBlock, fit.finalRounds).entries()) {
    const round = `round ${i + 1}`;
    const [targets, tried] = [count, Math.min(count, cost.trialBlocks)].map((blocks) => {
      const from = seeds[0] + first * fitBlock;
      return targetsOf([from, from + blocks * fitBlock - 1]);
    }) as [Targets, Targets];
    const equations = graph.shards(kinds.fitEquations, {
      title: `equations of ${label}, ${round}`,
      ...onBlocks(standing, targets, cost.equations),
    });
    const proposals = graph.task(kinds.fitProposals, {
      title: `steps of ${label}, ${round}`,
      params: { keep },
      inputs: {
        standing,
        equations: [outputs(equations, 'equations')],
        validation: validated(standing, round),
      },
    });
    const proposed = output(proposals, 'standing');
    const trials = graph.shards(kinds.fitSquares, {
      title: `trials of ${label}, ${round}`,
      ...onBlocks(proposed, tried, cost.trials),
    });
    const taken = graph.task(kinds.fitStep, {
      title: `step of ${label}, ${round}`,
      params: {},
      inputs: { standing: proposed, trials: [outputs(trials, 'squares')] },
    });
    standing = output(taken, 'standing');
  }
  const atTheEnd = validated(standing, 'at the end');
  const energies =
    fit.matchEnergy &&
    graph.shards(kinds.fitEnergies, {
      title: `energies of ${label}`,
      params: { ...family, ...guided },
      inputs: {
        ...network,
        ...chosen,
        targets: each(validationTargets, 'targets'),
        ...{ standing, validation: atTheEnd },
      },
      ranges: validationTargets.ranges,
      ...inBlocks,
      workPerItem: cost.evaluations,
    });
  return {
    nfe: cost.evaluations,
    sampler: graph.task(kinds.sampler, {
      title: `sampler of ${label}`,
      params: {
        ...family,
        ...(dataset.name !== undefined && { dataset: dataset.name }),
        ...(guidance && { guidance }),
        ...contrast,
        teacher: teacher.params,
        seed: fit.seed,
        ...{ seeds, validation },
        ...(loss && { features: { ...loss.params.features, name: loss.name } }),
      },
      inputs: {
        info: network.info,
        ...chosen,
        standing,
        validation: atTheEnd,
        energies: energies ? [outputs(energies, 'energies')] : [],
        targets: [outputs(validationTargets, 'targets', 1)],
        feature_network: loss?.inputs.feature_network,
      },
    }),
  };
}

/**
 * A loss on features: their network, and how they count beside pixels, by how much both vary over the samples that validate,
 * so that fits of every student and seed are of one loss.
 */
function planFeatures(
  graph: GraphBuilder,
  { network: file, weight }: NonNullable<FitConfig['features']>,
  info: OutputRef,
  targets: Targets,
) {
  const { network, params } = featuresBy(file);
  const name = basename(file.file);
  const scale = graph.task(kinds.featureScale, {
    title: `how much features by ${name} vary`,
    params,
    inputs: { network, info, targets: [outputs(targets, 'targets')] },
  });
  return {
    name,
    params: { features: { ...params, weight } },
    inputs: { feature_network: network, feature_scale: output(scale, 'scale') },
  };
}
