import { withDefaults } from '@fewstep/schedules';
import {
  costOf,
  type FitCost,
  type Method,
  methods,
  SolverError,
  type SteeredMethod,
  steered,
  steeredFamily,
  type TableFamily,
} from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { type Declarations, named } from './declared.js';
import type { Point, SamplerConfig } from './experiment.js';
import { type Complain, complainAt } from './grid.js';
import { type Judged, lastLaidDown } from './judge.js';
import type { Fit } from './resolve.js';

/** Numbers that are fitted at once: their products are held, and solved for. */
const mostParameters = 2000;

/**
 * The family of tables that a point is, at noise levels and of a shape that stand in for the model's: for what depends on
 * neither, as how many parameters there are. A method in a file of the user's own is stood in for by euler, too.
 *
 * @throws SolverError (E_SOLVER) where it can't begin from its start; RunnerError (E_MODULE) of a generator in a file
 */
function standInFamily(
  { method: { solver, ...options }, methodModule, evaluations, numSteps, afs, denoiseToZero }: SamplerConfig,
  { generator: { generator: name, ...told }, generatorModule }: Fit,
  { generators }: Pick<Declarations, 'generators'>,
): TableFamily {
  const [sigmaMax, sigmaMin] = [80, 0.002];
  const levels = (intervals: number) =>
    Array.from({ length: intervals + 1 }, (_, i) => sigmaMax * (sigmaMin / sigmaMax) ** (i / intervals));
  const generator =
    generatorModule === undefined
      ? named(generators, name)
      : generators.find(({ module }) => module?.file === generatorModule);
  if (!generator) {
    const student =
      (steered as Readonly<Record<string, SteeredMethod>>)[name] ?? (steered.euler as SteeredMethod);
    const start = { sigmas: levels(numSteps - 1), afs, denoiseToZero };
    return steeredFamily(student, withDefaults(student.options, told), start);
  }
  const declared =
    methodModule === undefined ? (methods as Readonly<Record<string, Method>>)[solver] : undefined;
  const { make, options: possible } = declared ?? (methods.euler as Method);
  return generator.make(withDefaults(generator.options, told), {
    solver: make(withDefaults(possible, options), { sigmaMin, sigmaMax }),
    sigmas: levels((numSteps - 1) * (declared ? 1 : evaluations)),
    ...{ afs, denoiseToZero, shape: [1, 64, 64] },
  });
}

/**
 * What fitting a point's table costs. Complains of one that can't be fitted: of what it begins from, or of how much is free
 * in it.
 */
export function familyJudge(
  complain: Complain,
  declarations: Declarations,
): (point: Pick<Point, 'sampler'> & { readonly fit?: Fit }, judged: Judged) => FitCost | undefined {
  return ({ sampler, fit }, { tree }) => {
    if (!fit) return undefined;
    const say = (sentence: string, ...keys: readonly string[]) =>
      complainAt(tree, complain)(lastLaidDown(keys, tree).join('.'), sentence);
    try {
      const family = standInFamily(sampler, fit, declarations);
      const { parameters } = family;
      if (parameters.length <= mostParameters) return costOf(family);
      say(
        `${fit.generator.generator} of ${sampler.numSteps} timestamps has ${parameters.length.toLocaleString('en-US')} numbers that are free, and ${mostParameters.toLocaleString('en-US')} at most are fitted together: take fewer steps, or one with fewer.`,
        'student.num_steps',
        'student.solver',
      );
    } catch (error) {
      if (!(error instanceof SolverError || error instanceof RunnerError)) throw error;
      say(error.message, 'student.solver', 'student.start', 'student.num_steps');
    }
    return undefined;
  };
}
