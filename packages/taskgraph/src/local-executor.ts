import { type ChildProcess, fork } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '@fewstep/models';
import { RunnerError } from '../errors.js';
import { type KindInfo, kinds } from '../tasks/kinds.js';
import type { TaskResult } from '../tasks/task-module.js';
import type { Failure, Request, Response } from './child.js';
import type { Executor, Job } from './executor.js';

const childPath = fileURLToPath(new URL('./child.js', import.meta.url));
/** A child that crashed is replaced and its job tried once more: a passing shortage should not cost a night's run. */
const tries = 2;
const keptOutput = 4_000;
const keptLines = 8;

interface Queued {
  readonly job: Job;
  resolve(result: TaskResult): void;
  reject(error: Error): void;
}

/**
 * Runs jobs in child processes of this machine, `slots` at a time, in the order in which they come.
 *
 * Native inference blocks its process, and stopping a thread in the middle aborts it: so the supervisor stays apart. A
 * child serves many jobs, since a loaded network is dear; one that crashes is replaced.
 *
 * - `device`: what evaluates networks in them; the CPU by default.
 */
export function localExecutor({
  slots = 1,
  device = { type: 'cpu' },
}: {
  slots?: number;
  device?: Device;
} = {}): Executor {
  const queue: Queued[] = [];
  const idle: ChildProcess[] = [];
  const alive = new Set<ChildProcess>();
  let busy = 0;
  let closed = false;

  const pump = () => {
    while (!closed && busy < slots && queue.length > 0) {
      const next = queue.shift()!;
      busy++;
      attempt(next.job)
        .then(next.resolve, next.reject)
        .finally(() => {
          busy--;
          pump();
        });
    }
  };

  const attempt = async (job: Job): Promise<TaskResult> => {
    job.onStart();
    for (let tried = 1; ; tried++) {
      const child = idle.pop() ?? start();
      const outcome = await converse(child, job, device);
      if ('crash' in outcome) {
        alive.delete(child);
        if (closed) throw closedError();
        if (tried < tries) continue;
        throw new RunnerError(
          'E_TASK_CRASHED',
          `the process that computed it ended ${tries} times (${outcome.crash})${outcome.output ? `, saying: ${outcome.output}` : ''}. Out of memory is the usual cause: a smaller sample.batch needs less.`,
          { exitCode: 1, evidence: outcome },
        );
      }
      idle.push(child);
      if ('error' in outcome) {
        throw failureOf(outcome.error);
      }
      return checked(job, outcome.result);
    }
  };

  const start = (): ChildProcess => {
    const child = fork(childPath, { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    alive.add(child);
    // Who speaks to it hears of it; a message that is lost on an ended process must not end this one.
    child.on('error', () => {});
    return child;
  };

  return {
    device,
    slots,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closedError());
        queue.push({ job, resolve, reject });
        pump();
      }),
    async close() {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(closedError());
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

function closedError(): RunnerError {
  return new RunnerError('E_INTERRUPTED', 'ended before its time', { exitCode: 130 });
}

type Outcome = Response | { readonly crash: string; readonly output: string };

/** Sends one job and waits for its end, however it ends. */
function converse(child: ChildProcess, job: Job, device: Device): Promise<Outcome> {
  return new Promise((resolve) => {
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptOutput);
    };
    const finish = (outcome: Outcome) => {
      child.off('message', onMessage);
      child.off('close', onClose);
      child.off('error', onError);
      child.stdout?.off('data', collect);
      child.stderr?.off('data', collect);
      resolve(outcome);
    };
    const onMessage = (message: Response | { readonly done: number }) => {
      if ('done' in message) job.onProgress(message.done);
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
    const { kind, params, hints, inputs, dir } = job;
    child.send({ kind, params, hints, inputs, dir, device } satisfies Request);
  });
}

/** An error of the child's in our words: those of ours and of the system say what is wrong, any other is a bug. */
function failureOf({ code, exitCode = 1, message, stack }: Failure['error']): RunnerError {
  const options = { exitCode, evidence: { stack } };
  if (code !== undefined && /^E(?!RR_)/.test(code)) return new RunnerError(code, message, options);
  return new RunnerError(
    'E_TASK_FAILED',
    `${message}. This is a bug of fewstep: with FEWSTEP_DEBUG=1 in the environment it says where.`,
    options,
  );
}

/** What a process said before it ended, without the frames of stacks. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  return lines.slice(-keptLines).join('\n').trim();
}

/** Outputs count when every one that the kind promises is there, and each holds something. */
async function checked({ kind, dir }: Job, result: TaskResult): Promise<TaskResult> {
  const files: Record<string, string> = {};
  const { outputs, optional = [] }: KindInfo = kinds[kind];
  for (const name of [...outputs, ...optional.filter((one) => result.files[one] !== undefined)]) {
    const path = join(dir, basename(result.files[name] ?? name));
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || found.size === 0) {
      throw new RunnerError(
        'E_TASK_OUTPUT',
        `its output "${name}" is ${found ? 'empty' : 'missing'}: nothing is kept of it`,
        {
          exitCode: 1,
          evidence: { kind, output: name },
        },
      );
    }
    files[name] = path;
  }
  return { files, meta: result.meta };
}
