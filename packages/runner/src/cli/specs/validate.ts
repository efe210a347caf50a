import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { type Problem, SpecError } from '../../experiment/problem.js';
import type { Answer } from '../terminal/answer.js';
import { type Changes, pointsOf, readChanged } from './experiments.js';
import { givenSpecs } from './given-specs.js';

interface Validated {
  readonly file: string;
  readonly name?: string;
  readonly points: ReturnType<typeof pointsOf>;
  readonly problems: readonly Problem[];
}

/**
 * `fewstep validate [SPEC…]`: every problem of every file at once.
 *
 * @throws SpecError with those of all files, once the last one was read
 */
export async function validate(
  specs: readonly string[],
  { set, only }: Changes,
  answer: Answer,
): Promise<void> {
  const experiments: Validated[] = [];
  for (const file of await givenSpecs(specs)) {
    try {
      const experiment = await readChanged(file, { set, only });
      const points = pointsOf(experiment);
      experiments.push({ file: withoutSecrets(file), name: experiment.name, points, problems: [] });
      answer.line(`${file}: valid, ${points.length} ${points.length === 1 ? 'point' : 'points'}`);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      experiments.push({ file: withoutSecrets(file), points: [], problems: error.problems });
    }
    answer.object({ experiments });
  }
  const problems = experiments.flatMap((one) => one.problems);
  if (problems.length > 0) throw SpecError.together(problems);
}
