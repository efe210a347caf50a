import { isAbsolute, relative } from 'node:path';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { RunnerError } from '../errors.js';
import { printable } from '../judging/shown.js';

/**
 * Where a value or key was written: in the spec (line and column count from 1, as editors do), or in a `--set` of the
 * command line, which has neither (0).
 */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What laid it down, the later over the earlier: the experiment itself, its grid, the command line. */
  readonly layer: 0 | 1 | 2;
}

/** One thing wrong with a spec. */
export interface Problem {
  /** As the user gave it, relative to the working folder when inside it; or the `--set …` at fault. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key at fault, as student.solver; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, and the remedy. */
  readonly sentence: string;
  /** The whole line to print: place, code, path, sentence. */
  readonly message: string;
}

export function problem({ line, column, ...place }: Place, path: string, text: string): Problem {
  const [file, sentence] = [withoutSecrets(place.file), withoutSecrets(text)];
  const at = line === 0 ? file : `${file}:${line}:${column}`;
  const message = printable(`${at} E_SPEC ${path === '' ? '' : `${path}: `}${sentence}`);
  return { file, line, column, path, sentence, message };
}

/** More are not told: whoever mends these sees the others. */
const mostProblems = 20;

/**
 * Everything wrong with a spec (E_SPEC, exit code 2): its message has one line per problem, in the order of the file,
 * those of the command line last; the same sentence at the same place only once; after twenty, how many there are more.
 */
export class SpecError extends RunnerError {
  readonly problems: readonly Problem[];
  constructor(problems: Iterable<Problem>, told: (problems: Problem[]) => readonly Problem[] = inShort) {
    const byMessage = new Map([...problems].map((problem) => [problem.message, problem]));
    const sorted = told([...byMessage.values()]);
    const lines = sorted.map(({ message }) => message);
    super('E_SPEC', lines.join('\n'), { evidence: { problems: sorted, lines } });
    this.problems = sorted;
  }

  /** The problems of several specs, in their order. */
  static together(problems: Iterable<Problem>): SpecError {
    return new SpecError(problems, (all) => all);
  }
}

/** In the order of the file, those of each place beyond the first ones as their number. */
function inShort(problems: Problem[]): readonly Problem[] {
  problems.sort(byPlace);
  const counts = new Map<string, number>();
  const told = problems.filter(({ file }) => {
    const count = (counts.get(file) ?? 0) + 1;
    counts.set(file, count);
    return count <= mostProblems;
  });
  const more = [...counts].flatMap(([file, count]) =>
    count > mostProblems
      ? [problem({ file, line: 0, column: 0, layer: 0 }, '', `… and ${count - mostProblems} more.`)]
      : [],
  );
  return [...told, ...more];
}

function byPlace(a: Problem, b: Problem): number {
  return Number(a.line === 0) - Number(b.line === 0) || a.line - b.line || a.column - b.column;
}

/** The path as messages show it: relative inside the working folder. */
export function displayPath(file: string, cwd: string): string {
  if (!isAbsolute(file)) return file;
  const inside = relative(cwd, file);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? file : inside;
}
