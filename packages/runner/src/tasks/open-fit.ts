import { withDefaults } from '@fewstep/schedules';
import {
  generators,
  type SteeredMethod,
  steered,
  steeredFamily,
  type TableFamily,
  type TableGenerator,
  type View,
  withContrast,
} from '@fewstep/solvers';
import type { Range } from '@fewstep/taskgraph';
import type { GeneratorConfig } from '../experiment/experiment.js';
import { featureView, readScale } from './feature-view.js';
import type { Guidable } from './guide.js';
import { shapeOf } from './load-denoiser.js';
import type { ModelInfo } from './model-info.js';
import { type FeatureParams, openFeatures } from './open-features.js';
import { type Opened, openSolve } from './open-solve.js';
import { targetsOn, valuesSeen } from './open-targets.js';
import { middlesOf, type Solve, type SolveParams, solverOf, timesOf } from './solving.js';

/** What is fitted: what it begins from, and what is free. */
export interface FamilyParams extends SolveParams {
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  readonly generator: GeneratorConfig;
}

/** What makes the tables of a solve; none where a student is steered by one. */
export const generatorOf = (
  name: string,
  { declared }: Pick<Solve, 'declared'>,
): TableGenerator | undefined =>
  declared.generator ?? (generators as Readonly<Record<string, TableGenerator>>)[name];

/**
 * The tables that are fitted on a model.
 *
 * @throws SolverError (E_SOLVER) where they can't begin from their start
 */
export function familyOn(
  { generator: { generator: name, ...told }, afs, denoiseToZero }: FamilyParams,
  solving: Solve,
  info: ModelInfo,
): TableFamily {
  const generator = generatorOf(name, solving);
  if (!generator) {
    const student =
      solving.declared.method?.student ?? (steered as Readonly<Record<string, SteeredMethod>>)[name];
    if (!student) throw new Error(`${name} is no table`);
    return steeredFamily(student, withDefaults(student.options, told), {
      sigmas: timesOf(solving),
      middles: middlesOf(solving),
      ...{ afs, denoiseToZero },
    });
  }
  return generator.make(withDefaults(generator.options, told), {
    solver: solverOf(solving),
    sigmas: timesOf(solving),
    ...{ afs, denoiseToZero, shape: shapeOf(info) },
  });
}

/** A task of a block of seeds. */
export interface BlockParams extends FamilyParams, Guidable {
  /** Weight of contrast beside what is seen; left out: 0. */
  readonly contrast?: number;
  readonly seeds: Range;
  /** Of a loss on features; left out: the samples' values alone. */
  readonly features?: FeatureLoss;
}

/** What a loss on features is told. */
export interface FeatureLoss extends FeatureParams {
  /** How much features count beside pixels, where as large a part of both variances is off. */
  readonly weight: number;
}

type Fitting = Omit<Parameters<typeof openSolve>[0], 'params'> & {
  readonly params: BlockParams;
  readonly inputs: {
    readonly targets: string;
    readonly feature_network: string | undefined;
    readonly feature_scale: string | undefined;
  };
  readonly digests: Parameters<typeof openFeatures>[0]['digests'];
  readonly hints: { readonly batch?: number };
  progress(done: number): void;
};

/** What is fitted, on a block of seeds, to what is seen of where the teacher ended from there. */
export async function openBlock(context: Fitting) {
  const { params, inputs } = context;
  const opened = await openSolve(context);
  const view = await viewOf(context, opened);
  return {
    family: familyOn(params, opened.solving, opened.info),
    ...(await targetsOn(opened, [params.seeds], [inputs.targets], context, view)),
  };
}

/** What is seen of samples: their values, and as far as the loss says so contrast and features beside them. */
async function viewOf({ params, inputs, digests, device }: Fitting, { info, shape }: Opened): Promise<View> {
  const { features: loss, contrast } = params;
  const { feature_network: network, feature_scale: scale } = inputs;
  const values = valuesSeen(info);
  const seen = contrast === undefined ? values : withContrast(values, shape, contrast);
  if (!loss) return seen;
  if (network === undefined || scale === undefined) throw new Error('a loss on features has a network');
  const opened = await openFeatures({
    params: loss,
    inputs: { network },
    ...{ digests: { network: digests.feature_network! }, device },
  });
  return featureView(opened, shape, seen, { weight: loss.weight, scale: await readScale(scale) });
}
