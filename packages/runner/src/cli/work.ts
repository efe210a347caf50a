import { RunnerError } from '../errors.js';
import { type Execution, execute } from '../execute/execute.js';
import { localExecutor } from '../execute/local-executor.js';
import { progress } from '../execute/progress.js';
import type { World } from '../graph/builder.js';
import { needed, type Task } from '../graph/task.js';
import type { Store } from '../store/store.js';

/**
 * Obtains tasks with progress on standard error; Ctrl-C ends the children and keeps what is finished.
 *
 * @throws RunnerError E_INTERRUPTED (exit code 130)
 */
export async function work(
  tasks: readonly Task[],
  { store, versions }: World & { readonly store: Store },
): Promise<Execution> {
  const all = needed(tasks);
  const reporter = progress(process.stderr, {
    tasks: all.length,
    work: all.reduce((sum, task) => sum + task.work, 0),
  });
  const executor = localExecutor();
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    void executor.close();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const execution = await execute(tasks, {
      store,
      executor,
      versions,
      onEvent: (event) => {
        if (!interrupted) reporter.onEvent(event);
      },
    });
    if (interrupted) {
      throw new RunnerError(
        'E_INTERRUPTED',
        'interrupted: what was finished is in the store, and the same command goes on from there',
        { exitCode: 130 },
      );
    }
    return execution;
  } finally {
    reporter.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await executor.close();
  }
}

/** @throws RunnerError E_TASK (exit code 1) that names what failed and why */
export function demand({ failures }: Pick<Execution, 'failures'>): void {
  if (failures.size === 0) return;
  const lines = [...failures].map(([task, error]) => {
    const code = 'code' in error ? `${error.code} ` : '';
    return `${task.title}: ${code}${error.message}`;
  });
  throw new RunnerError('E_TASK', lines.join('\n'), { exitCode: 1 });
}
