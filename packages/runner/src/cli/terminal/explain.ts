import { codeOf, TaskgraphError } from '@fewstep/taskgraph/errors';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { CommanderError } from 'commander';
import { SpecError } from '../../experiment/problem.js';
import { printable } from '../../judging/shown.js';

/** An error as the command line tells it. */
interface Explained {
  /** For standard error; nothing where it is said already. */
  readonly text: string;
  readonly exitCode: number;
  /** For --json; nothing where nothing is wrong. */
  readonly object?: {
    readonly code: string;
    readonly message: string;
    readonly problems?: readonly object[];
  };
}

/** Any error that ends a command: 2 the input is wrong, 1 a task failed or a bug, 130 interrupted. */
export function explain(error: unknown): Explained {
  const message = withoutSecrets(error instanceof Error ? error.message : String(error));
  if (error instanceof CommanderError) {
    const said = error.code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, '');
    return { text: '', exitCode: 2, object: { code: 'E_USAGE', message: said } };
  }
  const code = codeOf(error);
  if (!code?.startsWith('E_')) {
    const stack = process.env.FEWSTEP_DEBUG && error instanceof Error ? error.stack : undefined;
    const where = stack ?? 'with FEWSTEP_DEBUG=1 in the environment it says where.';
    return {
      text: textOf([`this is a bug of fewstep: ${message}`, where]),
      exitCode: 1,
      object: { code: 'E_BUG', message },
    };
  }
  // A spec's problems and a run's failures carry their own codes, line by line.
  const prefix = code === 'E_SPEC' || code === 'E_TASK' ? '' : `${code} `;
  return {
    text: textOf(linesOf(error) ?? [message], prefix),
    exitCode: error instanceof TaskgraphError ? error.exitCode : 2,
    object: { code, message, ...(error instanceof SpecError && { problems: error.problems }) },
  };
}

/** Of an error that consists of several. */
function linesOf(error: unknown): readonly string[] | undefined {
  return error instanceof TaskgraphError
    ? (error.evidence.lines as readonly string[] | undefined)
    : undefined;
}

/** Each line at the left, and nothing else there: what has an end of a line in it goes on below, set in. */
const textOf = (lines: readonly string[], prefix = ''): string =>
  `${prefix}${lines.map((line) => line.split('\n').map(printable).join('\n  ')).join('\n')}\n`;
