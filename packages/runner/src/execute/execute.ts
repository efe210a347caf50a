import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunnerError } from '../errors.js';
import { inputTasks, type Task, type Versions } from '../graph/task.js';
import { keyOf } from '../store/key.js';
import { type ActionRecord, fullDisk, type Output, type Store } from '../store/store.js';
import type { Executor } from './executor.js';
import { componentsOf } from './resolve.js';

/** What happens to tasks, in the order in which it happens. */
export type Event =
  | { readonly type: 'started' | 'waiting'; readonly task: Task }
  | { readonly type: 'progress'; readonly task: Task; readonly done: number }
  | { readonly type: 'found' | 'computed'; readonly task: Task; readonly record: ActionRecord }
  | { readonly type: 'failed'; readonly task: Task; readonly error: Error }
  | {
      readonly type: 'conflict';
      readonly task: Task;
      readonly kept: ActionRecord;
      readonly other: Readonly<Record<string, Output>>;
    };

/** What became of the tasks: how many were computed, and how many found in the store. */
export interface Execution {
  readonly records: ReadonlyMap<Task, ActionRecord>;
  /** Tasks that failed themselves; those that only waited for one are in neither map. */
  readonly failures: ReadonlyMap<Task, Error>;
  readonly computed: number;
  readonly local: number;
}

const leasePollMs = 500;

/**
 * Obtains every given task, from the store where it is there, else by computing it and what it needs. The outputs of
 * the given tasks are verified, so that what is damaged is mended and not passed over.
 *
 * A failure stops only what needs it. Nothing is computed twice, neither here nor by another run on the same store.
 * `signal` ends the waiting for other runs; what the executor runs is the executor's to end.
 */
export async function execute(
  tasks: readonly Task[],
  {
    store,
    executor,
    versions,
    onEvent = () => {},
    signal,
  }: {
    store: Store;
    executor: Executor;
    versions: Versions;
    onEvent?: (event: Event) => void;
    signal?: AbortSignal;
  },
): Promise<Execution> {
  const pending = new Map<Task, Promise<ActionRecord>>();
  const records = new Map<Task, ActionRecord>();
  const failures = new Map<Task, Error>();
  const computed = new Set<Task>();
  // A lease is taken when there is a slot to compute in, so that another run can take what would only wait here.
  const inSlot = limit(executor.slots);

  const obtain = (task: Task): Promise<ActionRecord> => {
    let promise = pending.get(task);
    if (!promise) {
      promise = settle(task);
      pending.set(task, promise);
    }
    return promise;
  };

  const settle = async (task: Task): Promise<ActionRecord> => {
    await Promise.all(inputTasks(task).map(obtain)); // where one fails, that is its own failure
    try {
      const record = await find(task);
      records.set(task, record);
      return record;
    } catch (error) {
      throw fail(task, error);
    }
  };

  const fail = (task: Task, error: unknown): Error => {
    const failure = fullDisk(error, store.dir) ?? (error instanceof Error ? error : new Error(String(error)));
    failures.set(task, failure);
    onEvent({ type: 'failed', task, error: failure });
    return failure;
  };

  const find = async (task: Task): Promise<ActionRecord> => {
    const components = await componentsOf(task, obtain, store, versions);
    const key = keyOf(components);
    for (;;) {
      signal?.throwIfAborted();
      const known = await store.lookup(key);
      if (known) {
        onEvent({ type: 'found', task, record: known });
        return known;
      }
      const inputs = await pathsOf(task);
      const record = await inSlot(async () => {
        const lease = await store.lease(key);
        if (!lease) return undefined;
        try {
          const meanwhile = await store.lookup(key);
          if (meanwhile) onEvent({ type: 'found', task, record: meanwhile });
          return meanwhile ?? (await compute(task, components, key, inputs));
        } finally {
          await lease.release();
        }
      });
      if (record) return record;
      onEvent({ type: 'waiting', task });
      await sleep(leasePollMs, undefined, signal && { signal });
    }
  };

  const compute = async (
    task: Task,
    components: ActionRecord['components'],
    key: string,
    inputs: Readonly<Record<string, readonly string[]>>,
  ) => {
    const startedAt = new Date();
    const dir = await store.scratch();
    try {
      const result = await executor.run({
        kind: task.kind,
        params: task.params,
        hints: task.hints,
        inputs,
        dir,
        onStart: () => onEvent({ type: 'started', task }),
        onProgress: (done) => onEvent({ type: 'progress', task, done }),
      });
      if (keyOf(await componentsOf(task, obtain, store, versions)) !== key) {
        throw new RunnerError(
          'E_INPUT_CHANGED',
          `what it reads changed while it ran (${filesOf(task).join(', ') || 'an input that was computed again'}): nothing is kept of it. Run again once the files stay as they are.`,
          { exitCode: 1, evidence: { kind: task.kind, files: filesOf(task) } },
        );
      }
      const { record, conflict } = await store.publish({
        key,
        components,
        files: result.files,
        meta: result.meta,
        startedAt,
        device: executor.device,
      });
      if (task.shard) await store.noteShard(task.shard.family, task.shard.range);
      computed.add(task);
      onEvent({ type: 'computed', task, record });
      if (conflict) onEvent({ type: 'conflict', task, kept: record, other: conflict });
      return record;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };

  /** The verified files of a task's inputs; what is lost or damaged is computed again first. */
  const pathsOf = async (task: Task): Promise<Record<string, string[]>> => {
    const paths: Record<string, string[]> = {};
    for (const [name, list] of Object.entries(task.inputs)) {
      paths[name] = [];
      for (const input of list) {
        if ('file' in input) paths[name].push(input.file);
        else if (!input.optional || (await obtain(input.task)).outputs[input.output])
          paths[name].push(await fileOf(input.task, input.output));
      }
    }
    return paths;
  };

  const fileOf = async (task: Task, name: string): Promise<string> => {
    const record = await obtain(task);
    const path = await store.blob(record.outputs[name]!);
    if (path) return path;
    const again = await mend(task, record);
    const mended = await store.blob(again.outputs[name]!);
    if (mended) return mended;
    throw new RunnerError(
      'E_STORE_DAMAGED',
      `the store ${store.dir} loses what is written to it: ${name} of ${task.title}`,
      {
        exitCode: 1,
      },
    );
  };

  /** Obtains a task anew whose record promises what is lost, once for all that notice it. */
  const mend = (task: Task, lost: ActionRecord): Promise<ActionRecord> => {
    if (records.get(task) === lost) {
      records.delete(task);
      pending.set(
        task,
        store.forget(lost.key).then(() => settle(task)),
      );
    }
    return obtain(task);
  };

  const obtainWhole = async (task: Task): Promise<void> => {
    const record = await obtain(task);
    try {
      for (const name of Object.keys(record.outputs)) await fileOf(task, name);
    } catch (error) {
      throw fail(task, error);
    }
  };

  await Promise.allSettled(tasks.map(obtainWhole));
  // A failure rejects whatever waits for it at once, while its neighbours still run: see them through.
  for (let count = 0; count !== pending.size; ) {
    count = pending.size;
    await Promise.allSettled(pending.values());
  }
  return { records, failures, computed: computed.size, local: records.size - computed.size };
}

/** Runs at most `count` works at once, in the order in which they come. */
function limit(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

function filesOf(task: Task): string[] {
  return Object.values(task.inputs).flatMap((list) =>
    list.flatMap((input) => ('file' in input ? [input.file] : [])),
  );
}
