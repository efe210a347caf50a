import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Executor,
  type JobResult,
  type Json,
  type Output,
  type SharedFiles,
  type Job as Task,
  TaskgraphError,
} from '@fewstep/taskgraph';
import { Queue, QueueEvents } from 'bullmq';
import {
  areShared,
  idOf,
  type Message,
  messageOf,
  type Outcome,
  parseOutcome,
  parseState,
  type State,
  sendOutside,
} from './message.js';
import { keptJobs, prefix, resourceOf } from './queue.js';
import { openRedis } from './redis.js';

/** What a coordinator is given. */
export interface CoordinatorGiven {
  /** Address of a Redis; without one, that of `FEWSTEP_REDIS`. */
  readonly place?: string | undefined;
  /** Computes what can be computed on this machine alone. */
  readonly here: Executor;
  /** On what workers are to compute: of one kind. */
  readonly devices?: readonly Json[];
  /** Where workers reach files. */
  readonly files: SharedFiles;
  /** Told what people should know. */
  readonly say?: (text: string) => void;
}

/** Tasks that are in a queue at once, or with workers. */
const slots = 256;
/** News that doesn't come by itself is asked for: Redis may have been emptied. */
const pollMs = 2_000;
const withdrawMs = 2_000;
const lonelyMs = 10_000;
/** So often is a task put in again whose outcome is nothing to go on with. */
const tries = 5;

/**
 * Has tasks computed by workers on any machine, over Redis.
 *
 * It owns the graph: what is in the queue is ready. A job's name there is its task's key, so that two coordinators that need
 * one task wait for one job. What a worker says came of it counts when Redis has taken it, which it does of the one alone
 * that holds the job's lock. Nothing is in Redis alone: where it was emptied, what is waited for is put in again.
 *
 * @throws TaskgraphError E_REDIS
 */
export async function executor({
  place,
  here,
  devices = [{ type: 'cpu' }],
  files,
  say = () => {},
}: CoordinatorGiven): Promise<Executor> {
  const resources = new Set(devices.map(resourceOf));
  const [resource, other] = [...resources];
  if (resource === undefined || other !== undefined)
    throw new TaskgraphError(
      'E_REDIS',
      `workers of one kind of device are asked for, and --device names ${[...resources].join(' and ')}: name one of them.`,
      { exitCode: 2 },
    );
  const { connection, shown } = await openRedis(place);
  const queue = new Queue(resource, { connection, prefix, defaultJobOptions: keptJobs });
  const events = new QueueEvents(resource, { connection, prefix });
  const sent = new Set<string>();
  const waiting = new Map<string, () => void>();
  /** What happened while it was looked at. */
  const missed = new Set<string>();
  const lost = new Set<string>();
  const told = new Set<string>();
  let [closed, hasBegun, isDown] = [false, false, false];

  const once = (text: string) => {
    if (told.has(text)) return;
    told.add(text);
    say(text);
  };
  const trouble = (what: string, { message }: Error) => {
    if (closed || isDown) return;
    isDown = true;
    say(`${what} fails (${message || 'it does not answer'}): it is waited for`);
  };
  queue.on('error', (error) => trouble(shown, error));
  events.on('error', (error) => trouble(shown, error));
  const wake = ({ jobId }: { readonly jobId: string }) => {
    const call = waiting.get(jobId);
    if (call) call();
    else if (sent.has(jobId)) missed.add(jobId);
  };
  for (const event of ['active', 'progress', 'completed', 'failed', 'removed'] as const)
    events.on(event, wake);

  /** Until something happened to a job, or it is time to look. */
  const news = async (id: string): Promise<void> => {
    if (missed.delete(id)) return;
    const stop = new AbortController();
    waiting.set(id, () => stop.abort());
    await sleep(pollMs, undefined, { signal: stop.signal }).catch(() => {});
    waiting.delete(id);
  };

  const tellIfLonely = async () => {
    if (!hasBegun && (await queue.getWorkersCount()) === 0)
      once(`no worker for "${resource}" is at ${shown}: fewstep worker --redis … on any machine`);
  };

  const tell = (task: Task, { begun, done, warnings, refusals }: State, known: Known) => {
    if (begun.length > 0 && !known.started) {
      hasBegun = known.started = true;
      task.onStart();
    }
    if (done !== undefined && done !== known.done) task.onProgress((known.done = done));
    for (const warning of warnings.slice(known.warnings)) task.onWarning(warning);
    known.warnings = Math.max(known.warnings, warnings.length);
    for (const refusal of refusals) once(refusal);
  };

  /** What comes of a task that is sent. */
  const settle = async (task: Task, message: Message): Promise<Outcome> => {
    const id = idOf(task.key);
    const known: Known = { started: false, warnings: 0 };
    const begun = Date.now();
    let isOurs = false;
    for (let tried = 0; ; ) {
      if (closed || task.signal?.aborted) throw interrupted();
      missed.delete(id);
      const job = await queue.getJob(id);
      if (!job) {
        await queue.add(message.kind, message, { jobId: id });
        isOurs = true;
      } else if (job.finishedOn === undefined) {
        isOurs = true;
        tell(task, parseState(job.progress), known);
        if (Date.now() - begun > lonelyMs) await tellIfLonely();
      } else {
        const outcome = parseOutcome(job.returnvalue, task.key);
        const failure = outcome && 'error' in outcome ? outcome.error : undefined;
        const isGood = failure
          ? isOurs && !failure.lost && failure.code !== 'E_QUEUE'
          : outcome && 'outputs' in outcome && (await areShared(outcome.outputs, files));
        if (outcome && isGood) return outcome;
        if (tried++ === tries) {
          if (failure) return { error: failure };
          throw outcome ? noFiles() : noOutcome(shown);
        }
        // an earlier run's failure, files that are not there, or what was damaged on the way: it is asked for anew
        if (failure?.lost && isOurs) await restore(task, failure.lost);
        await job.remove().catch(() => {}); // another coordinator may have
        continue;
      }
      isDown = false;
      await news(id);
    }
  };

  /** Puts a file anew where a worker found none, or another. @throws where it is not here either */
  const restore = async ({ inputs }: Task, output: Output): Promise<void> => {
    const all = Object.values(inputs).flat();
    const outside = all.find((input) => 'file' in input && input.digest === output.digest);
    const isThere =
      outside && 'file' in outside
        ? await sendOutside(outside, files, true)
        : await files.offer(output, { anew: true });
    if (isThere) return;
    lost.add(output.digest);
    throw noFiles();
  };

  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;)
      try {
        return await work();
      } catch (error) {
        if (closed) throw interrupted();
        // of Redis and of a cache it is known that they come back, of a bug that it stays
        if (error instanceof TaskgraphError || error instanceof TypeError || error instanceof RangeError)
          throw error;
        trouble(`${shown}, or the cache,`, error as Error);
        await sleep(pollMs);
      }
  };

  return {
    slots,
    has: async (file) => !lost.has(file.digest) && files.offer(file),
    async run(task): Promise<JobResult> {
      if (closed) throw interrupted();
      const message = await messageOf(task, files);
      if (!message) return here.run(task);
      const id = idOf(task.key);
      sent.add(id);
      const outcome = await patiently(() => settle(task, message)).finally(() => {
        sent.delete(id);
        missed.delete(id);
      });
      if ('error' in outcome) {
        const { code, message: text, exitCode, outOfMemory } = outcome.error;
        throw new TaskgraphError(code, text, { exitCode, evidence: { ...(outOfMemory && { outOfMemory }) } });
      }
      const { outputs, meta, device, by } = outcome;
      const made = Object.values(outputs);
      files.trust(made);
      for (const { digest } of made) lost.delete(digest);
      return { files: outputs, meta, device, by };
    },
    async close() {
      if (closed) return;
      closed = true;
      // what a worker has begun goes on, and is found by whoever asks next
      const withdrawn = [...sent].map((id) => queue.remove(id));
      for (const call of waiting.values()) call();
      await Promise.race([Promise.allSettled(withdrawn), sleep(withdrawMs, undefined, { ref: false })]);
      await Promise.race([
        Promise.allSettled([events.close(), queue.close()]),
        sleep(withdrawMs, undefined, { ref: false }),
      ]);
    },
  };
}

/** What was told of a task already. */
interface Known {
  started: boolean;
  done?: number;
  warnings: number;
}

const noOutcome = (shown: string) =>
  new TaskgraphError(
    'E_QUEUE',
    `what ${shown} says came of it is not what a worker says: a run and its workers need the same FEWSTEP_CACHE_KEY, or none.`,
  );
const noFiles = () =>
  new TaskgraphError(
    'E_TASK_INPUT',
    'what workers have isn’t here, or what is here they don’t get: a run and its workers need one --cache, or one --store.',
  );
const interrupted = () => new TaskgraphError('E_INTERRUPTED', 'ended before its time', { exitCode: 130 });
