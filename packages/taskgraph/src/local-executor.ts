import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Failure, Request, Response } from './child.js';
import { TaskgraphError } from './errors.js';
import type { Executor, Job, JobResult } from './executor.js';
import type { Json } from './json.js';
import { limit } from './limit.js';
import { mapValues } from './maps.js';
import { withoutSecrets } from './secrets.js';

const childPath = fileURLToPath(new URL('./child.js', import.meta.url));
/** A child that crashed is replaced and its job tried once more: a passing shortage should not cost a night's run. */
const tries = 2;
const keptOutput = 4_000;
const keptLines = 8;

/** Where one job runs at a time. */
interface Slot {
  readonly device: Json;
  child?: ChildProcess | undefined;
}

/**
 * Runs jobs in child processes of this machine, `jobs` of them on each device, in the order in which they come.
 *
 * Native inference blocks its process, and stopping a thread in the middle aborts it: so the supervisor stays apart. A
 * child serves many jobs, since a loaded network is dear; one that crashes is replaced. Several children share the cores:
 * each is told its part as `OMP_NUM_THREADS`, unless that is set.
 *
 * - `kinds`: address of the module that exports the kinds of tasks as `kinds`, an object of them.
 * - `devices`: what they compute on, as their tasks know it. A task has one device, and its record says which.
 * - `jobs`: how many of them each device computes at once.
 * - `threads`: of each child; by default the cores are shared among them.
 */
export function localExecutor({
  kinds,
  devices = [{ type: 'cpu' }],
  jobs = 1,
  threads,
}: {
  kinds: URL;
  devices?: readonly Json[];
  jobs?: number;
  threads?: number | undefined;
}): Executor {
  // by turns, so that no device waits while another has two
  const free = Array.from({ length: jobs }, () => devices.map((device): Slot => ({ device }))).flat();
  const slots = free.length;
  const inSlot = limit(slots);
  const alive = new Set<ChildProcess>();
  let closed = false;

  const attempt = async (job: Job, slot: Slot): Promise<JobResult> => {
    const isEnded = () => closed || job.signal?.aborted === true;
    if (isEnded()) throw closedError();
    const { device } = slot;
    const inputs: Record<string, string[]> = {};
    for (const [name, list] of Object.entries(job.inputs))
      inputs[name] = await Promise.all(list.map(job.locate));
    if (isEnded()) throw closedError(); // meanwhile, when nobody listened
    job.onStart();
    for (let tried = 1; ; tried++) {
      slot.child ??= start();
      const { child } = slot;
      const outcome = await converse(child, job, { kinds: kinds.href, inputs, device });
      if ('crash' in outcome) {
        alive.delete(child);
        slot.child = undefined;
        if (isEnded()) throw closedError();
        if (tried < tries) continue;
        const outOfMemory = ranOutOfMemory(outcome);
        throw new TaskgraphError(
          'E_TASK_CRASHED',
          `the process that computed it ended ${tries} times (${outcome.crash})${outcome.output ? `, saying: ${outcome.output}` : ''}.${outOfMemory ? ' It ran out of memory, or somebody ended it.' : ''}`,
          { evidence: { ...outcome, outOfMemory } },
        );
      }
      if ('error' in outcome) throw failureOf(outcome.error);
      return { ...outcome.result, device };
    }
  };

  const part = threads ?? (slots > 1 ? Math.max(1, Math.floor(availableParallelism() / slots)) : undefined);
  const start = (): ChildProcess => {
    const child = fork(childPath, {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...(part !== undefined && { OMP_NUM_THREADS: String(part) }), ...process.env },
    });
    alive.add(child);
    // Who speaks to it hears of it; a message that is lost on an ended process must not end this one.
    child.on('error', () => {});
    return child;
  };

  return {
    slots,
    run: (job) =>
      inSlot(async () => {
        const slot = free.shift()!;
        try {
          return await attempt(job, slot);
        } finally {
          free.unshift(slot); // what was used last has its network loaded
        }
      }),
    async close() {
      closed = true; // what waits for a slot is told so when it gets one
      await Promise.all(
        [...alive].map(
          (child) =>
            new Promise<void>((resolve) => {
              if (child.exitCode !== null || child.signalCode !== null) return resolve();
              child.once('exit', () => resolve());
              child.kill('SIGKILL');
            }),
        ),
      );
    },
  };
}

function closedError(): TaskgraphError {
  return new TaskgraphError('E_INTERRUPTED', 'ended before its time', { exitCode: 130 });
}

/** Signals and words of a process that the system, or V8, ended for want of memory. */
function ranOutOfMemory({ crash, output }: { readonly crash: string; readonly output: string }): boolean {
  return crash === 'SIGKILL' || /out of memory|bad_alloc|cannot allocate/i.test(output);
}

type Outcome = Response | { readonly crash: string; readonly output: string };

/** Sends one job and waits for its end, however it ends. */
function converse(
  child: ChildProcess,
  job: Job,
  given: Pick<Request, 'kinds' | 'inputs' | 'device'>,
): Promise<Outcome> {
  const { kind, params, hints, dir } = job;
  const digests = mapValues(job.inputs, (list) => list.map(({ digest }) => digest));
  return new Promise((resolve) => {
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptOutput);
    };
    const end = () => void child.kill('SIGKILL');
    const finish = (outcome: Outcome) => {
      job.signal?.removeEventListener('abort', end);
      child.off('message', onMessage);
      child.off('close', onClose);
      child.off('error', onError);
      child.stdout?.off('data', collect);
      child.stderr?.off('data', collect);
      resolve(outcome);
    };
    const onMessage = (message: Response | { readonly done: number } | { readonly warning: string }) => {
      if ('done' in message) job.onProgress(message.done);
      else if ('warning' in message) job.onWarning(message.warning);
      else finish(message);
    };
    // Not 'exit': what it said last may come after.
    const onClose = (code: number | null, signal: string | null) =>
      finish({ crash: signal ?? `exit code ${code}`, output: lastWords(output) });
    const onError = (error: Error) => finish({ crash: error.message, output: lastWords(output) });
    child.on('message', onMessage);
    child.on('close', onClose);
    child.on('error', onError);
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    job.signal?.addEventListener('abort', end);
    child.send({ ...given, kind: kind.name, params, hints, digests, dir } satisfies Request);
  });
}

/** An error of the child's in our words: those of ours and of the system say what is wrong, any other is a bug. */
function failureOf({ code, exitCode = 1, message, stack }: Failure['error']): TaskgraphError {
  const options = { exitCode, evidence: { stack: stack && withoutSecrets(stack) } };
  if (code !== undefined && /^E(?!RR_)/.test(code)) return new TaskgraphError(code, message, options);
  return new TaskgraphError('E_TASK_FAILED', `${message}. This is a bug of the task's own code.`, options);
}

/** What a process said before it ended, without the frames of stacks. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  return withoutSecrets(lines.slice(-keptLines).join('\n').trim());
}
