import { RunnerError } from '../errors.js';
import type { Experiment } from '../spec/experiment.js';
import { SpecError } from '../spec/problem.js';
import { readExperiment } from '../spec/read-experiment.js';

/**
 * The experiments of several specs.
 *
 * @param check what else must hold of each, throwing SpecError
 * @throws RunnerError E_SPEC with the problems of all of them, also where two have one name: results go by it
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
  const problems = new Set<string>();
  const specOf = new Map<string, string>();
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') {
      if (!(outcome.reason instanceof SpecError)) throw outcome.reason;
      problems.add(outcome.reason.message);
      continue;
    }
    const { name } = outcome.value;
    const other = specOf.get(name);
    if (other)
      problems.add(
        `${specs[i]} E_SPEC name: ${name} is also the name of ${other}, and results go by it: run one, or rename it.`,
      );
    specOf.set(name, specs[i]!);
    experiments.push(outcome.value);
  }
  if (problems.size > 0) throw new RunnerError('E_SPEC', [...problems].join('\n'));
  return experiments;
}
