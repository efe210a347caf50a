import type { Execution, Task } from '@fewstep/taskgraph';

/** How many images tasks made or read, by what they counted; nothing where there are none, or not all are known. */
export function imagesOf({ records }: Pick<Execution, 'records'>, tasks: Iterable<Task>): number | undefined {
  const counts = [...new Set(tasks)].map((task) => Number(records.get(task)?.meta.images));
  const sum = counts.reduce((before, count) => before + count, 0);
  return counts.length > 0 && Number.isInteger(sum) ? sum : undefined;
}

/** The tasks that one of a task's inputs comes from; of published statistics, as of any file, none. */
export const tasksOf = (input: Task['inputs'][string] = []): Task[] =>
  input.flatMap((ref) => ('task' in ref ? [ref.task] : []));
