import { SpecError } from '../spec/problem.js';
import { readExperiment } from '../spec/read-experiment.js';
import { print } from './output.js';

/** `fewstep validate SPEC…`: every problem of every file at once. */
export async function validate(
  specs: readonly string[],
  options: { readonly set: readonly string[]; readonly json?: boolean },
): Promise<void> {
  const outcomes = [];
  for (const spec of specs) {
    try {
      const { name, points } = await readExperiment(spec, { set: options.set });
      outcomes.push({ file: spec, name, points: points.length, problems: [] });
      if (!options.json)
        print(`${spec}: valid, ${points.length} ${points.length === 1 ? 'point' : 'points'}`);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      outcomes.push({ file: spec, problems: error.problems });
      if (!options.json) process.stderr.write(`${error.message}\n`);
    }
  }
  if (options.json) print(outcomes.length === 1 ? outcomes[0] : outcomes);
  if (outcomes.some(({ problems }) => problems.length > 0)) process.exitCode = 2;
}
