import {
  type Event,
  type Execution,
  execute,
  isShards,
  type Node,
  needed,
  TaskgraphError,
} from '@fewstep/taskgraph';
import { codeOf, errorOfLines, RunnerError } from '../../errors.js';
import { bottleneckWarnings } from '../../execute/bottleneck-warnings.js';
import { progress, type Screen } from '../../execute/progress.js';
import { evaluatesFeatures } from '../../tasks/kinds.js';
import { shownPath } from '../reports/output.js';
import { interruption } from '../terminal/interruption.js';
import { screen, speakThrough } from '../terminal/say.js';
import { settle, type World } from './world.js';

/**
 * Obtains tasks with progress on standard error, and in a log where there is one; Ctrl-C ends the children and keeps what is finished.
 *
 * @throws RunnerError E_INTERRUPTED (exit code 130)
 */
export async function work(
  roots: readonly Node[],
  { store, versions, openExecutor }: World,
  log?: Screen,
  listen: (event: Event) => void = () => {},
): Promise<Execution> {
  const all = needed(roots);
  const [features, model] = [
    all.filter(({ kind }) => evaluatesFeatures(kind)),
    all.filter(({ kind }) => !evaluatesFeatures(kind)),
  ];
  const ahead = {
    tasks: all.reduce((sum, node) => sum + tasksIn(node), 0),
    work: { model: sumOf(model), features: sumOf(features) },
  };
  const reporters = [screen(), ...(log ? [log] : [])].map((one) => progress(one, ahead));
  const silence = speakThrough(reporters[0]!.say);
  const warningOf = bottleneckWarnings(all);
  let finished = 0;
  const executor = await openExecutor();
  const { signal, end } = interruption(() => {
    void executor.close();
    if ('abandon' in store) store.abandon();
  });
  try {
    const execution = await execute(roots, {
      store,
      executor,
      versions,
      signal,
      onEvent: (event) => {
        if (signal.aborted) return;
        listen(event);
        const warning = warningOf(event);
        if (event.type === 'found' || event.type === 'computed') finished++;
        if (event.type === 'expanded') ahead.tasks += event.count;
        for (const reporter of reporters) {
          reporter.onEvent(event);
          if (warning) reporter.say(warning);
        }
      },
    });
    if (signal.aborted) {
      throw new RunnerError(
        'E_INTERRUPTED',
        `interrupted: ${finished} of ${ahead.tasks} tasks are finished and kept in ${shownPath(store.dir)}, and the same command goes on from there`,
        { exitCode: 130, evidence: { finished, tasks: ahead.tasks, store: store.dir } },
      );
    }
    await settle({ store });
    return execution;
  } finally {
    for (const reporter of reporters) reporter.end();
    silence();
    end();
    await executor.close();
  }
}

/** Shards count as one until they are cut. */
const tasksIn = (node: Node) => (isShards(node) ? 0 : 1);
const sumOf = (nodes: readonly Node[]) => nodes.reduce((sum, node) => sum + workOf(node), 0);
const workOf = (node: Node) =>
  isShards(node)
    ? node.workPerItem * node.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
    : node.work;

const namedTasks = 3;

/**
 * @param also an error that came on top, as where the results can't be written either
 * @throws RunnerError E_TASK as `failureOf` makes it
 */
export function demand(execution: Pick<Execution, 'failures'>, also?: unknown): void {
  const failure = failureOf(execution, also);
  if (failure) throw failure;
}

/**
 * E_TASK that names what failed and why, each reason once; exit code 2 where nothing but the input was wrong, else 1.
 * Nothing where nothing failed.
 */
export function failureOf(
  { failures }: Pick<Execution, 'failures'>,
  also?: unknown,
): RunnerError | undefined {
  if (failures.size === 0) return undefined;
  const titles = new Map<string, string[]>();
  for (const [task, error] of failures) {
    const reason = reasonOf(error);
    titles.set(reason, [...(titles.get(reason) ?? []), task.title]);
  }
  const lines = [...titles].map(([reason, tasks]) => {
    const more = tasks.length > namedTasks ? ` and ${tasks.length - namedTasks} more` : '';
    return `${tasks.slice(0, namedTasks).join('; ')}${more}: ${reason}`;
  });
  if (also instanceof TaskgraphError) lines.push(reasonOf(also));
  const errors = [...failures.values(), ...(also === undefined ? [] : [also])];
  const wrongInput = errors.every((error) => error instanceof TaskgraphError && error.exitCode === 2);
  return errorOfLines('E_TASK', lines, { exitCode: wrongInput ? 2 : 1, cause: also });
}

function reasonOf(error: Error): string {
  const code = codeOf(error);
  const stack =
    process.env.FEWSTEP_DEBUG && error instanceof TaskgraphError ? error.evidence.stack : undefined;
  const message = code && !error.message.startsWith(code) ? `${code} ${error.message}` : error.message;
  if (stack) return `${message}\n${stack}`;
  return code === 'E_TASK_FAILED'
    ? `${message} With FEWSTEP_DEBUG=1 in the environment it says where.`
    : message;
}
