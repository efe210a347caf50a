import type { Experiment, Point } from '../experiment/experiment.js';
import { type Problem, problem, SpecError } from '../experiment/problem.js';
import { readExperiment } from '../experiment/read-experiment.js';

/**
 * The experiments of several specs.
 *
 * @param check what else must hold of each, throwing SpecError
 * @throws SpecError (E_SPEC) with the problems of all of them, also where two have one name: results go by it
 */
export async function readExperiments(
  specs: readonly string[],
  set: readonly string[],
  check: (experiment: Experiment) => void = () => {},
): Promise<Experiment[]> {
  const outcomes = await Promise.allSettled(
    specs.map(async (spec) => {
      const experiment = await readExperiment(spec, { set });
      check(experiment);
      return experiment;
    }),
  );
  const experiments: Experiment[] = [];
  const problems: Problem[] = [];
  const specOf = new Map<string, string>();
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') {
      if (!(outcome.reason instanceof SpecError)) throw outcome.reason;
      problems.push(...outcome.reason.problems);
      continue;
    }
    const { name } = outcome.value;
    const other = specOf.get(name);
    if (other)
      problems.push(
        problem(
          { file: specs[i]!, line: 0, column: 0, layer: 0 },
          'name',
          `${name} is also the name of ${other}, and results go by it: run one, or rename it.`,
        ),
      );
    specOf.set(name, specs[i]!);
    experiments.push(outcome.value);
  }
  if (problems.length > 0) throw SpecError.together(problems);
  return experiments;
}

/** The points of an experiment, as --json tells them. */
export function pointsOf({ points }: Experiment): Pick<Point, 'label' | 'settings'>[] {
  return points.map(({ label, settings }) => ({ label, settings }));
}

/** Counts of several experiments, each name's together. */
export function sum<K extends string>(counts: readonly Readonly<Record<K, number>>[], names: readonly K[]) {
  const total = (name: K) => counts.reduce((all, count) => all + count[name], 0);
  return Object.fromEntries(names.map((name) => [name, total(name)])) as Record<K, number>;
}
