import { withDefaults } from '@fewstep/schedules';
import {
  generators,
  type SteeredMethod,
  steered,
  steeredFamily,
  type TableFamily,
  type TableGenerator,
  withContrast,
} from '@fewstep/solvers';
import type { Range } from '@fewstep/taskgraph';
import type { GeneratorConfig } from '../experiment/experiment.js';
import type { Guidable } from './guide.js';
import { shapeOf } from './load-denoiser.js';
import type { ModelInfo } from './model-info.js';
import { openSolve } from './open-solve.js';
import { targetsOn, viewOn } from './open-targets.js';
import { middlesOf, type Solve, type SolveParams, solverOf, timesOf } from './solving.js';

/** What is fitted: what it begins from, and what is free. */
export interface FamilyParams extends SolveParams {
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  readonly generator: GeneratorConfig;
}

/** The generator of a name; none of a student that a table steers. */
export const generatorNamed = (name: string): TableGenerator | undefined =>
  (generators as Readonly<Record<string, TableGenerator>>)[name];

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
  const generator = generatorNamed(name);
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
}

type Fitting = Omit<Parameters<typeof openSolve>[0], 'params'> & {
  readonly params: BlockParams;
  readonly inputs: { readonly targets: string };
  readonly hints: { readonly batch?: number };
  progress(done: number): void;
};

/** What is fitted, on a block of seeds, to what is seen of where the teacher ended from there. */
export async function openBlock(context: Fitting) {
  const { params, inputs } = context;
  const opened = await openSolve(context);
  const { shape, solving, info } = opened;
  const view = viewOn(info);
  return {
    family: familyOn(params, solving, info),
    ...(await targetsOn(opened, [params.seeds], [inputs.targets], {
      ...context,
      view: params.contrast === undefined ? view : withContrast(view, shape, params.contrast),
    })),
  };
}
