import { setTimeout as nodeSleep } from 'node:timers/promises';
import type { Digest } from './digest.js';
import { TaskgraphError } from './errors.js';
import { type Executor, filesIn, type JobInput } from './executor.js';
import { type Expansion, expander } from './expand.js';
import {
  isShards,
  type Node,
  type OutputRef,
  type Ref,
  type Shards,
  type Task,
  type TaskInput,
} from './graph.js';
import { type KeyComponents, keyOf, type Versions, versionsOf } from './key.js';
import { sliceOf } from './kind.js';
import { limit } from './limit.js';
import { mapValues, once } from './maps.js';
import type { OutsideFile } from './store/file-notes.js';
import { isHeld } from './store/lease.js';
import type { Clock } from './store/machine.js';
import type { ActionRecord, Output, Outputs } from './store/record.js';
import { type Found, fullDisk, type Store } from './store/store.js';

/** What happens to tasks, in the order in which it happens. */
export type Event =
  | { readonly type: 'started'; readonly task: Task }
  /** Another run computes it; `holder` says which. */
  | { readonly type: 'waiting'; readonly task: Task; readonly holder?: string }
  | { readonly type: 'progress'; readonly task: Task; readonly done: number }
  | { readonly type: 'computed'; readonly task: Task; readonly record: ActionRecord }
  | {
      readonly type: 'found';
      readonly task: Task;
      readonly record: ActionRecord;
      readonly source: Found['source'];
    }
  | { readonly type: 'failed'; readonly task: Task; readonly error: Error }
  /** What its code warns of. */
  | { readonly type: 'warning'; readonly task: Task; readonly text: string }
  /** Shards were cut: from now on they are so many tasks. */
  | { readonly type: 'expanded'; readonly shards: Shards; readonly count: number }
  /** A second result that differs was kept out. */
  | { readonly type: 'conflict'; readonly task: Task; readonly kept: ActionRecord; readonly other: Outputs };

/** What became of the tasks. */
export interface Execution {
  readonly records: ReadonlyMap<Task, ActionRecord>;
  /** Where each record is from; of one that nobody says, the local store. */
  readonly sources: ReadonlyMap<Task, 'computed' | Found['source']>;
  /** What shards were cut into, in the order of their items. */
  readonly shards: ReadonlyMap<Shards, readonly Task[]>;
  /** Tasks that failed themselves; those that only waited for one are in neither map. */
  readonly failures: ReadonlyMap<Node, Error>;
  readonly computed: number;
  readonly local: number;
  readonly remote: number;
}

const leasePollMs = 500;
/** So often is a task begun again whose inputs are lost while it is at work. */
const lostTries = 5;
/** More would take gigabytes to keep track of. */
const mostShards = 1_000_000;

/** An input of a task that is found to be lost when it is to be read. */
class InputLost extends Error {}

interface Options {
  readonly store: Store;
  readonly executor: Executor;
  readonly versions: Versions;
  readonly onEvent?: (event: Event) => void;
  /** Ends the waiting for other runs; what the executor runs is the executor's to end. */
  readonly signal?: AbortSignal;
  readonly clock?: Pick<Clock, 'sleep'>;
}

/**
 * Obtains tasks and shards, from the store where they are there, else by computing them and what they need. The files of
 * those given are verified, so that what is damaged is mended and not passed over.
 *
 * A failure stops only what needs it. Nothing is computed twice, neither here nor by another run on the same store. A task
 * reads what its key says, or fails: an input from outside that is touched while it runs is E_INPUT_CHANGED, one of the
 * store that is damaged is mended and read anew.
 */
export async function execute(roots: readonly Node[], options: Options): Promise<Execution> {
  const { store, executor, versions, onEvent = () => {}, signal } = options;
  const sleep =
    options.clock?.sleep ??
    ((ms: number, by?: AbortSignal) => nodeSleep(ms, undefined, by && { signal: by }));
  const pending = new Map<string, Promise<ActionRecord>>();
  const records = new Map<Task, ActionRecord>();
  const failures = new Map<Node, Error>();
  const expanded = new Map<Shards, readonly Task[]>();
  const counts = { computed: 0, local: 0, remote: 0 };
  const sources = new Map<Task, keyof typeof counts>();
  const outside = new Map<string, Promise<OutsideFile>>();
  // A lease is taken when there is a slot to compute in, so that another run can take what would only wait here.
  const inSlot = limit(executor.slots);

  const obtain = (task: Task): Promise<ActionRecord> => once(pending, task.id, () => settle(task));

  const settle = async (task: Task): Promise<ActionRecord> => {
    try {
      const record = (await noted(task)) ?? (await find(task));
      records.set(task, record);
      return record;
    } catch (error) {
      throw error instanceof Upstream ? error : fail(task, error);
    }
  };

  const fail = (node: Node, error: unknown): Upstream => {
    const failure = fullDisk(error, store.dir) ?? (error instanceof Error ? error : new Error(String(error)));
    failures.set(node, failure);
    if (!isShards(node)) onEvent({ type: 'failed', task: node, error: failure });
    return new Upstream(failure.message);
  };

  const look = (file: string, as?: string): Promise<OutsideFile> =>
    once(outside, JSON.stringify([file, as]), () => store.look(file, as));

  const digestsOf = async (input: TaskInput): Promise<readonly Digest[]> =>
    (await jobInputsOf(input)).map(({ digest }) => digest);
  /** What is found is held, so that no collection takes it from this run. */
  const lookup: Store['lookup'] = async (key, outputs) => {
    await store.hold([key]);
    return store.lookup(key, outputs);
  };
  const shards: Store['shards'] = async (family) => {
    await store.hold([family]);
    return store.shards(family);
  };
  const held = { ...store, lookup, shards };
  const { expand, keyOf: notedKeyOf } = expander({ store: held, versions, digestsOf });

  /** Shards cut into tasks, once; a failure is theirs. */
  const expandHere = async (shards: Shards): Promise<Expansion> => {
    try {
      const expansion = await expand(shards);
      if (!expanded.has(shards)) {
        if (expansion.count > mostShards)
          throw new TaskgraphError(
            'E_SHARDS',
            `${shards.title} would be ${expansion.count} shards, and one run holds ${mostShards}: larger batches make fewer, or ask for fewer ${shards.item}s at once.`,
            { exitCode: 2, evidence: { count: expansion.count } },
          );
        expanded.set(shards, [...expansion.tasks()]);
        onEvent({ type: 'expanded', shards, count: expansion.count });
      }
      return expansion;
    } catch (error) {
      throw error instanceof Upstream ? error : fail(shards, error);
    }
  };

  /** An input as files of single tasks, which are obtained, and files from outside. */
  const refsOf = async (input: TaskInput): Promise<readonly Ref[]> => {
    if ('file' in input) return [input];
    const tasks = 'task' in input ? [input.task] : await tasksOf(input);
    await Promise.all(tasks.map(obtain));
    return tasks.map((task) => ({ task, output: input.output }));
  };

  const tasksOf = async (input: Exclude<TaskInput, Ref>): Promise<readonly Task[]> => {
    const expansion = await expandHere(input.shards);
    return [...('span' in input ? expansion.covering(input.span) : expansion.tasks(input.first))];
  };

  type Located = JobInput & { readonly ref: Ref };
  const jobInputsOf = async (input: TaskInput): Promise<readonly Located[]> => {
    const found = await Promise.all(
      (await refsOf(input)).map(async (ref): Promise<Located[]> => {
        if ('file' in ref) {
          const { digest } = await look(ref.file, ref.as);
          return [{ digest, file: ref.file, ...(ref.as !== undefined && { as: ref.as }), ref }];
        }
        const output = (await obtain(ref.task)).outputs[ref.output];
        return output ? [{ ...output, ref }] : [];
      }),
    );
    return found.flat();
  };

  const inputsOf = async (task: Task): Promise<Record<string, readonly Located[]>> => {
    const located = await Promise.all(
      Object.entries(task.inputs).map(
        async ([name, list]) => [name, (await Promise.all(list.map(jobInputsOf))).flat()] as const,
      ),
    );
    const inputs: Record<string, readonly Located[]> = Object.fromEntries(
      located.filter(([, found]) => found.length > 0),
    );
    for (const [name, multiplicity] of Object.entries(task.kind.inputs))
      if (multiplicity === 'one' && inputs[name]?.length !== 1)
        throw new TaskgraphError(
          'E_TASK_INPUT',
          `it needs one ${name}, and ${task.inputs[name]?.map(sayRef).join(', ') ?? 'nothing'} gives ${inputs[name]?.length ?? 0}`,
          { evidence: { kind: task.kind.name, input: name } },
        );
    return inputs;
  };

  const settled = (task: Task, { record, source }: Found): ActionRecord => {
    sources.set(task, source);
    onEvent({ type: 'found', task, record, source });
    return record;
  };

  /** A finished shard that a slice is taken of: by its note, without a look at what it was made from. */
  const noted = async (task: Task): Promise<ActionRecord | undefined> => {
    const key = notedKeyOf(task);
    const found = key === undefined ? undefined : await lookup(key, task.kind.outputs);
    return found && settled(task, found);
  };

  const find = async (task: Task): Promise<ActionRecord> => {
    for (let lost = 0; ; ) {
      signal?.throwIfAborted();
      const inputs = await inputsOf(task);
      const components: KeyComponents = {
        kind: task.kind.name,
        params: task.params,
        inputs: mapValues(inputs, (list) => list.map(({ digest }) => digest)),
        versions: versionsOf(task.kind, versions),
      };
      const key = keyOf(components);
      const known = await lookup(key, task.kind.outputs);
      if (known) {
        await noteFound(task, key);
        return settled(task, known);
      }
      try {
        if (!(await areWhole(inputs))) throw new InputLost(task.title); // mended: contents and key may be others now
        const outcome = await inSlot(async () => {
          const lease = await store.lease(key);
          if (isHeld(lease)) return lease;
          try {
            const meanwhile = await store.lookup(key, task.kind.outputs);
            return meanwhile ? settled(task, meanwhile) : await compute(task, components, key, inputs);
          } finally {
            await lease.release();
          }
        });
        if (!('holder' in outcome)) {
          // also over a note: what it was made from may have come to other bits than when that was written
          await noteShard(task, key);
          return outcome;
        }
        const { holder } = outcome;
        onEvent({ type: 'waiting', task, ...(holder !== undefined && { holder }) });
      } catch (error) {
        if (!(error instanceof InputLost)) throw error;
        if (++lost === lostTries)
          throw new TaskgraphError(
            'E_STORE_DAMAGED',
            `the store ${store.dir} loses what is written to it: ${error.message}`,
          );
        continue;
      }
      await sleep(leasePollMs, signal);
    }
  };

  const noteShard = async ({ shards, range, kind }: Task, key: Digest): Promise<void> => {
    if (!shards || !range || kind !== shards.kind) return;
    const { family } = await expand(shards);
    // Without the note another cut may compute it again, and nothing is lost: a full or read-only store may do.
    await store.noteShard(family, range, key).catch(() => {});
  };
  const noteFound = async (task: Task, key: Digest): Promise<void> => {
    const { shards, range } = task;
    if (shards && range && !(await expand(shards)).isNoted(range)) await noteShard(task, key);
  };

  const compute = async (
    task: Task,
    components: KeyComponents,
    key: Digest,
    inputs: Readonly<Record<string, readonly Located[]>>,
  ): Promise<ActionRecord> => {
    const startedAt = new Date();
    const dir = await store.scratch();
    const all = Object.values(inputs).flat();
    try {
      const result = await executor
        .run({
          key,
          kind: task.kind,
          versions: components.versions,
          params: task.params,
          hints: task.hints,
          inputs: mapValues(inputs, (list) => list.map(({ ref: _, ...input }) => input)),
          dir,
          locate: (input) => locate(input, all),
          onStart: () => onEvent({ type: 'started', task }),
          onProgress: (done) => onEvent({ type: 'progress', task, done }),
          onWarning: (text) => onEvent({ type: 'warning', task, text }),
          ...(signal && { signal }),
        })
        .catch(async (error: unknown) => {
          await demandWhole(all); // it may have failed for what it read
          throw withRemedy(error, task);
        });
      await demandWhole(all);
      await demandAsSeen(all);
      const { record, conflict } = await store.publish({
        key,
        components,
        files: filesIn(dir, result),
        outputs: task.kind.outputs,
        meta: { ...metaOfShard(task), ...result.meta },
        startedAt,
        device: result.device,
        by: result.by,
      });
      sources.set(task, 'computed');
      onEvent({ type: 'computed', task, record });
      if (conflict) onEvent({ type: 'conflict', task, kept: record, other: conflict });
      return record;
    } finally {
      await store.discard(dir);
    }
  };

  /** What was counted of a shard holds of its slices, too. */
  const metaOfShard = (task: Task): ActionRecord['meta'] => {
    const { shards, kind, inputs } = task;
    if (!shards || kind !== sliceOf(shards.kind)) return {};
    const [of] = Object.values(inputs).flat();
    return of && 'task' in of ? (records.get(of.task)?.meta ?? {}) : {};
  };

  const locate = async (input: JobInput, all: readonly Located[]): Promise<string> => {
    if ('file' in input) return input.file;
    const path = await store.blob(input);
    if (path !== undefined) return path;
    const lost = all.find(({ digest }) => digest === input.digest);
    throw new InputLost(lost ? sayLost(lost) : input.digest);
  };

  const isSound = async (file: Output): Promise<boolean> => (await store.blob(file)) !== undefined;
  /** Where jobs run on other machines their files need not be on this one. */
  const isThere = executor.has ? (file: Output) => executor.has!(file) : isSound;

  /** Whether all files of the store are `there`. Each that is not is `lost` at once: others notice it, too. */
  const areAll = async <F extends JobInput>(
    there: (file: Output) => Promise<boolean>,
    files: readonly F[],
    lost: (file: F) => Promise<unknown>,
  ): Promise<boolean> => {
    let sound = true;
    for (const file of files) {
      if ('file' in file || (await there(file))) continue;
      sound = false;
      await lost(file);
    }
    return sound;
  };

  /** Whether all inputs are; what is not is obtained anew. */
  const areWhole = (inputs: Readonly<Record<string, readonly Located[]>>): Promise<boolean> =>
    areAll(isThere, Object.values(inputs).flat(), ({ ref, digest }) => mend((ref as OutputRef).task, digest));

  /** Obtains a task anew whose record promises what is lost, once for all that notice it. */
  const mend = (task: Task, lost: Digest): Promise<ActionRecord> => {
    const record = records.get(task);
    if (record && Object.values(record.outputs).some(({ digest }) => digest === lost)) {
      records.delete(task);
      pending.set(task.id, settle(task));
    }
    return obtain(task);
  };

  const demandWhole = async (inputs: readonly Located[]): Promise<void> => {
    await areAll(isThere, inputs, async (input) => {
      throw new InputLost(sayLost(input));
    });
  };

  const demandAsSeen = async (inputs: readonly Located[]): Promise<void> => {
    for (const input of inputs) {
      if (!('file' in input) || (await store.isAsSeen(await look(input.file, input.as)))) continue;
      throw new TaskgraphError(
        'E_INPUT_CHANGED',
        `${input.file} was written while it was read: nothing is kept of it. Run again once it stays as it is.`,
        { evidence: { file: input.file } },
      );
    }
  };

  const obtainWhole = async (task: Task): Promise<void> => {
    for (let tries = 0; tries < lostTries; tries++) {
      const { outputs } = await obtain(task);
      if (await areAll(isSound, Object.values(outputs), ({ digest }) => mend(task, digest))) return;
    }
    throw fail(
      task,
      new TaskgraphError(
        'E_STORE_DAMAGED',
        `the store ${store.dir} loses what is written to it: ${task.title}`,
      ),
    );
  };

  const obtainRoot = async (node: Node): Promise<void> => {
    if (!isShards(node)) return obtainWhole(node);
    const expansion = await expandHere(node);
    await Promise.allSettled([...expansion.tasks()].map(obtainWhole));
  };

  await Promise.allSettled(roots.map(obtainRoot));
  // A failure rejects whatever waits for it at once, while its neighbours still run: see them through.
  for (let count = -1; count !== pending.size; ) {
    count = pending.size;
    await Promise.allSettled(pending.values());
  }
  for (const task of records.keys()) counts[sources.get(task) ?? 'local']++;
  return { records, sources, shards: expanded, failures, ...counts };
}

/** A failure that is told already. */
class Upstream extends Error {}

const sayRef = (input: TaskInput): string =>
  'file' in input ? input.file : 'task' in input ? input.task.title : input.shards.title;

const sayLost = ({ ref, digest }: JobInput & { readonly ref: Ref }): string =>
  'task' in ref ? `${ref.output} of ${ref.task.title}` : digest;

/** What helps where memory ran out, in the words of those who asked for the task. */
function withRemedy(error: unknown, { kind }: Task): unknown {
  if (!(error instanceof TaskgraphError) || error.code !== 'E_TASK_CRASHED') return error;
  if (error.evidence.outOfMemory !== true || kind.memory === undefined) return error;
  const { message, exitCode, evidence } = error;
  return new TaskgraphError('E_TASK_CRASHED', `${message} ${kind.memory}`, {
    exitCode,
    evidence,
    cause: error,
  });
}
