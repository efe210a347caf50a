import type { Experiment, Point } from '../../experiment/experiment.js';
import type { SpecOptions } from '../../experiment/parse-experiment.js';
import { displayPath, type Problem, problem, SpecError } from '../../experiment/problem.js';
import { readExperiment } from '../../experiment/read-experiment.js';
import { workingFolder } from '../../workspace.js';
import { say } from '../terminal/say.js';
import { givenSpecs } from './given-specs.js';

/** What options of the command line make other than specs say. */
export type Changes = Pick<SpecOptions, 'set' | 'only'>;

/** The experiment of a spec; says which keys of it the command line left without a reader. @throws SpecError (E_SPEC) */
export async function readChanged(spec: string, options: SpecOptions): Promise<Experiment> {
  const experiment = await readExperiment(spec, options);
  const { dropped, file } = experiment;
  if (dropped.length > 0)
    say(
      `left out of ${displayPath(file, workingFolder())}, for nothing reads it after --set: ${dropped.join(', ')}`,
    );
  return experiment;
}

/**
 * The experiments of several specs.
 *
 * @param check what else must hold of each, throwing SpecError
 * @throws SpecError (E_SPEC) with the problems of all of them, also where two have one name: results go by it
 */
export async function readExperiments(
  specs: readonly string[],
  { set, only }: Changes,
  check: (experiment: Experiment) => void = () => {},
): Promise<Experiment[]> {
  const experiments: Experiment[] = [];
  const problems: Problem[] = [];
  const specOf = new Map<string, string>();
  for (const file of await givenSpecs(specs))
    try {
      const experiment = await readChanged(file, { set, only });
      check(experiment);
      const { name } = experiment;
      if (specOf.has(name)) {
        const sentence = `${name} is also the name of ${specOf.get(name)}, and results go by it: run one, or rename it.`;
        throw new SpecError([problem({ file, line: 0, column: 0, layer: 0 }, 'name', sentence)]);
      }
      specOf.set(name, file);
      experiments.push(experiment);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      problems.push(...error.problems);
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
