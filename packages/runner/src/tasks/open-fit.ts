import { withDefaults } from '@fewstep/schedules';
import {
  type Block,
  type BlockDenoise,
  generators,
  type SteeredMethod,
  steered,
  steeredFamily,
  type TableFamily,
  type TableGenerator,
  type Vector,
  type View,
  within,
} from '@fewstep/solvers';
import type { Range } from '@fewstep/taskgraph';
import type { GeneratorConfig } from '../experiment/experiment.js';
import { readTensors, tensorOf } from './artifacts.js';
import type { Guidable } from './guide.js';
import { shapeOf } from './load-denoiser.js';
import type { ModelInfo } from './model-info.js';
import { openSolve } from './open-solve.js';
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
  readonly seeds: Range;
}

type Fitting = Omit<Parameters<typeof openSolve>[0], 'params'> & {
  readonly params: BlockParams;
  readonly inputs: { readonly targets: string };
  readonly hints: { readonly batch?: number };
  progress(done: number): void;
};

interface OpenBlock {
  readonly family: TableFamily;
  readonly block: Block;
  readonly denoise: BlockDenoise;
  readonly view: View;
}

/** What is fitted, on a block of seeds, to what is seen of where the teacher ended from there. */
export async function openBlock(context: Fitting): Promise<OpenBlock> {
  const { params, inputs, hints, progress } = context;
  const { info, solving, batch: batchOf } = await openSolve(context);
  const [first, last] = params.seeds;
  const n = last - first + 1;
  const { latents, denoise } = batchOf(Array.from({ length: n }, (_, i) => first + i));
  // what is decoded from latents isn't cut off where they are
  const view = info.decoder ? within() : within([-1, 1]);
  const targets = tensorOf(await readTensors(inputs.targets), 'x', 'F32').data;
  const size = latents.length / n;
  const most = hints.batch ?? 64;
  let evaluated = 0;
  return {
    family: familyOn(params, solving, info),
    block: { noise: latents, goal: await view(Float64Array.from(targets), n), n },
    view,
    async denoise({ x, sigma, owners }) {
      const denoised = new Float64Array(x.length);
      for (let at = 0; at < owners.length; at += most) {
        const part = (vector: Vector, width: number) => vector.subarray(at * width, (at + most) * width);
        const some = owners.slice(at, at + most);
        const answer = await denoise({ x: part(x, size), sigma: part(sigma, 1) }, some);
        denoised.set(answer.denoised, at * size);
        progress((evaluated += some.length));
      }
      return { denoised };
    },
  };
}
