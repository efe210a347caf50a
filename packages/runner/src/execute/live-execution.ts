import type { ActionRecord, Event, Execution, Node, Shards, Task } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';

/** A run as far as it has come. */
export interface LiveExecution {
  onEvent(event: Event): void;
  /** As an execution has it in the end; of shards those that were heard of, in the order of their items. */
  soFar(): Execution;
  /** Tasks that are done, of those known, and those that run, with what share of each is done where it says so. */
  progress(): { readonly done: number; readonly of: number; readonly now: readonly string[] };
  /** How often a task ended, or shards were cut. */
  changes(): number;
}

/** @param known tasks that are known before shards are cut */
export function liveExecution(known: number): LiveExecution {
  const records = new Map<Task, ActionRecord>();
  const failures = new Map<Node, Error>();
  const running = new Map<string, { readonly task: Task; readonly done: number }>();
  const cut = new Map<Shards, Map<string, Task>>();
  const counts = { computed: 0, local: 0, remote: 0 };
  const sources = new Map<Task, keyof typeof counts>();
  let [of, changes] = [known, 0];
  const settle = (task: Task, record: ActionRecord, source: keyof typeof counts) => {
    running.delete(task.id);
    records.set(task, record);
    sources.set(task, source);
    counts[source]++;
    if (!task.shards) return;
    const those = cut.get(task.shards) ?? new Map<string, Task>();
    cut.set(task.shards, those.set(task.id, task));
  };
  return {
    onEvent(event) {
      switch (event.type) {
        case 'expanded':
          of += event.count;
          break;
        case 'started':
          running.set(event.task.id, { task: event.task, done: 0 });
          return;
        case 'progress':
          running.set(event.task.id, event);
          return;
        case 'computed':
          settle(event.task, event.record, 'computed');
          break;
        case 'found':
          settle(event.task, event.record, event.source);
          break;
        case 'failed':
          running.delete(event.task.id);
          failures.set(event.task, event.error);
          break;
        default:
          return;
      }
      changes++;
    },
    soFar: () => ({
      records: new Map(records),
      sources: new Map(sources),
      shards: new Map([...cut].map(([shards, tasks]) => [shards, inOrder(shards, [...tasks.values()])])),
      failures: new Map(failures),
      ...counts,
    }),
    progress: () => ({
      done: records.size,
      of: Math.max(of, records.size),
      now: [...running.values()].map(({ task, done }) => {
        const share = Math.min(1, done / (task.work || 1));
        const title = withoutSecrets(task.title);
        return share > 0 ? `${title} (${Math.floor(100 * share)} %)` : title;
      }),
    }),
    changes: () => changes,
  };
}

/** As their items are asked for. */
function inOrder({ ranges }: Shards, tasks: readonly Task[]): Task[] {
  const placeOf = ({ range }: Task) => {
    const first = range?.[0] ?? 0;
    return [ranges.findIndex(([from, to]) => first >= from && first <= to), first] as const;
  };
  return [...tasks].sort((a, b) => {
    const [[i, first], [j, second]] = [placeOf(a), placeOf(b)];
    return i - j || first - second;
  });
}
