import { randomUUID } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Executor,
  filesIn,
  type JobInput,
  type Json,
  type Kind,
  kindNamed,
  type Output,
  otherVersions,
  type SharedFiles,
  type Store,
  TaskgraphError,
  type Versions,
} from '@fewstep/taskgraph';
import { DelayedError, Job, WaitingError, Worker } from 'bullmq';
import {
  areShared,
  type Failure,
  keyIn,
  type Message,
  type Outcome,
  parseMessage,
  parseState,
  type Result,
  type SentInput,
  type State,
  sealed,
} from './message.js';
import { prefix, resourceOf } from './queue.js';
import { openRedis } from './redis.js';

/** What a worker is given. */
export interface WorkerGiven {
  /** Address of a Redis; without one, that of `FEWSTEP_REDIS`. */
  readonly place?: string | undefined;
  /** Address of the module that exports the kinds of tasks as `kinds`. */
  readonly kinds: URL;
  /** Of the packages that compute here. */
  readonly versions: Versions;
  /** A store for one task, which looks where the coordinators put files. */
  readonly open: () => { readonly store: Store; readonly files: SharedFiles };
  /** Where tasks are computed, by their devices. */
  readonly executors: readonly { readonly device: Json; readonly executor: Executor }[];
  /** Told what people should know. */
  readonly say?: (text: string) => void;
}

/** A worker that serves. */
export interface Serving {
  /** The queues that it serves. */
  readonly queues: readonly string[];
  /** Gives back what it has begun, and ends. */
  close(): Promise<void>;
}

/** A task that so many began and none of them ended is what ended them. */
const mostKills = 3;
/** So soon is a task that a worker refuses put before it again. */
const refusedMs = 5_000;
const tellEveryMs = 1_000;
const keptTexts = 8;
const keptOutcomes = 256;
const closeMs = 5_000;

/**
 * Serves the queues of its devices: takes tasks, computes them in child processes, and says what came of them.
 *
 * The lock of a task is renewed while its child computes, so it may take hours; where the lock is lost, the child is ended,
 * and what it had is dropped. Only who holds the lock can say what came of a task, which Redis looks at in one step.
 *
 * @throws TaskgraphError E_REDIS
 */
export async function worker({
  place,
  kinds: address,
  versions,
  open,
  executors,
  say = () => {},
}: WorkerGiven): Promise<Serving> {
  const { connection, shown, lockMs } = await openRedis(place);
  const { kinds } = (await import(address.href)) as { readonly kinds: Readonly<Record<string, Kind>> };
  const me = { id: randomUUID(), worker: `${hostname()}, process ${process.pid}` };
  /** How many tasks are being computed. */
  let computing = 0;
  /** What was computed and may not have reached Redis: who asks again, gets it. */
  const finished = new Map<string, Result>();
  let [closed, isDown] = [false, false];

  const attempt = async (
    job: Job,
    token: string,
    signal: AbortSignal,
    { executor, serving }: { readonly executor: Executor; readonly serving: Worker },
  ): Promise<Outcome> => {
    let message: Message;
    try {
      message = parseMessage(job.data, job.id);
      checkNoCode(message, kinds);
    } catch (error) {
      say(`${job.id} is refused: ${(error as Error).message}`);
      return { error: failureOf(error) };
    }
    const before = parseState(job.progress);
    const kind = kindNamed(kinds, message.kind);
    const wrong = kind ? otherVersions(kind, message.versions, versions) : ['it has no such kind of task'];
    if (!kind || wrong.length > 0) {
      const text = `${me.worker} refuses ${message.kind}: ${wrong.join(', ')}`;
      say(text);
      await job.updateProgress({ ...before, refusals: [...before.refusals, text].slice(-keptTexts) });
      await job.moveToDelayed(Date.now() + refusedMs, token);
      throw new DelayedError();
    }
    const killed = before.begun.filter(({ id }) => id !== me.id);
    if (killed.length >= mostKills) return { error: killedBy(killed, before) };
    const known = finished.get(message.key);
    if (known && (await areShared(known.outputs, open().files))) return known;

    let state: State = { ...before, begun: [...killed, { ...me, at: new Date().toISOString() }] };
    const tell = (change: Partial<State>) => {
      state = { ...state, ...change };
      return job.updateProgress(state).catch(() => {}); // people wait for it, and nothing else does
    };
    await tell({});
    let last = 0;
    try {
      const outcome = await compute(message, kind, {
        executor,
        signal,
        onProgress(done) {
          if (Date.now() - last < tellEveryMs) return;
          last = Date.now();
          void tell({ done });
        },
        onWarning: (text) => void tell({ warnings: [...state.warnings, text].slice(-keptTexts) }),
      });
      keep(message.key, outcome);
      return outcome;
    } catch (error) {
      if (!signal.aborted) return { error: failureOf(error) };
      say(
        `${message.kind} ${message.key.slice(0, 12)} ${closed ? 'is given back' : 'is lost to another worker: what it had is dropped'}`,
      );
      // as it is now: another may have begun it
      const now = parseState((await Job.fromId(serving, job.id!))?.progress);
      await job.updateProgress({ ...now, begun: now.begun.filter(({ id }) => id !== me.id) });
      await job.moveToWait(token); // which is refused where the lock is another's
      throw new WaitingError();
    }
  };

  const keep = (key: string, outcome: Result) => {
    finished.set(key, outcome);
    const [oldest] = finished.keys();
    if (finished.size > keptOutcomes) finished.delete(oldest!);
  };

  const compute = async (
    { key, params, hints, inputs: sent, versions: used }: Message,
    kind: Kind,
    {
      executor,
      ...during
    }: Pick<Parameters<Executor['run']>[0], 'onProgress' | 'onWarning'> & {
      readonly executor: Executor;
      readonly signal: AbortSignal;
    },
  ): Promise<Result> => {
    const { store, files } = open();
    const startedAt = new Date();
    const [dir, named] = [await store.scratch(), await store.scratch()];
    const locate = async (input: JobInput): Promise<string> => {
      const { digest, size, name } = input as SentInput;
      await store.hold([digest]);
      const path = await store.blob({ digest, size });
      if (path === undefined) throw new InputLost({ digest, size });
      if (name === undefined) return path;
      // under its own name, which may say of what form it is
      const link = join(named, `${digest.slice(0, 16)}-${name}`);
      await symlink(path, link).catch((error) => {
        if (error.code !== 'EEXIST') throw error;
      });
      return link;
    };
    computing++;
    try {
      const result = await executor.run({
        ...{ key, kind, versions: used, params, hints, inputs: sent, dir, locate },
        onStart: () => say(`${kind.name} ${key.slice(0, 12)}`),
        ...during,
      });
      const outputs = await store.keep(filesIn(dir, result), kind.outputs);
      for (const output of Object.values(outputs))
        if (!(await files.offer(output, { anew: true }))) throw new Error('what was just kept is gone');
      const seconds = (Date.now() - startedAt.getTime()) / 1000;
      const by = { host: hostname(), node: process.version, startedAt: startedAt.toISOString(), seconds };
      return { outputs, meta: result.meta, device: result.device, by };
    } finally {
      for (const one of [dir, named]) await store.discard(one);
      // it may live for weeks, and would keep all that it ever read
      if (--computing === 0) await store.release();
    }
  };

  const workers = executors.map(({ device, executor }) => {
    const serving: Worker<unknown, ReturnType<typeof sealed>> = new Worker(
      resourceOf(device),
      async (job, token, signal) =>
        sealed(keyIn(job.id), await attempt(job, token!, signal as AbortSignal, { executor, serving })),
      {
        connection,
        prefix,
        name: me.worker.replaceAll(/[^\w.-]/g, '-'),
        concurrency: executor.slots,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: Number.MAX_SAFE_INTEGER, // who begins it looks at who began it before
      },
    );
    serving.on('lockRenewalFailed', (ids) => {
      for (const id of ids) serving.cancelJob(id);
    });
    serving.on('error', (error) => {
      if (closed || isDown) return;
      isDown = true;
      say(`${shown}: ${error.message || 'it does not answer'}`);
    });
    serving.on('active', () => {
      isDown = false;
    });
    return serving;
  });

  return {
    queues: workers.map(({ name }) => name),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all(
        workers.map(async (serving) => {
          const ended = serving.close(); // takes no more
          serving.cancelAllJobs();
          await Promise.race([ended, sleep(closeMs, undefined, { ref: false })]);
        }),
      );
      await Promise.all(executors.map(({ executor }) => executor.close()));
      await Promise.race([
        Promise.allSettled(workers.map((one) => one.close(true))),
        sleep(closeMs, undefined, { ref: false }),
      ]);
    },
  };
}

class InputLost extends Error {
  constructor(readonly output: Output) {
    super(
      `its input ${output.digest} is not where this worker looks: a run and its workers need one --cache, or one --store.`,
    );
  }
}

/** Code of others is not executed. @throws TaskgraphError E_QUEUE */
function checkNoCode({ kind, inputs }: Message, kinds: Readonly<Record<string, Kind>>): void {
  const code = kindNamed(kinds, kind)?.code?.find((input) => inputs[input] !== undefined);
  if (code !== undefined)
    throw new TaskgraphError('E_QUEUE', `its input ${code} is code, and code of others is not executed.`);
}

function killedBy(killed: State['begun'], { warnings }: State): Failure {
  const log = killed.map(({ worker, at }) => `${at} ${worker} began it and was not heard of again`);
  return {
    code: 'E_TASK_CRASHED',
    exitCode: 1,
    message: `${killed.length} workers ended while they computed it, and it is not given to another:\n${[...log, ...warnings].join('\n')}`,
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof InputLost)
    return { code: 'E_TASK_INPUT', message: error.message, exitCode: 1, lost: error.output };
  const told =
    error instanceof TaskgraphError
      ? error
      : new TaskgraphError('E_WORKER', String((error as Error)?.message));
  const { code, message, exitCode, evidence } = told;
  return { code, message, exitCode, ...(evidence.outOfMemory === true && { outOfMemory: true }) };
}
