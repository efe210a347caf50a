/** The process that computes: one job at a time, as its parent sends them; ends with its parent. */
import type { Device } from '@fewstep/models';
import { codeOf, RunnerError } from '../errors.js';
import { type KindInfo, kinds } from '../tasks/kinds.js';
import type { TaskResult } from '../tasks/task-module.js';
import type { Job } from './executor.js';

export type Request = Omit<Job, 'onStart' | 'onProgress'> & { readonly device: Device };
export interface Failure {
  readonly error: {
    readonly code?: string;
    readonly exitCode?: number;
    readonly message: string;
    readonly stack?: string;
  };
}
export type Response = { readonly result: TaskResult } | Failure;

const progressIntervalMs = 200;

async function answer({ kind, ...given }: Request): Promise<Response> {
  let last = 0;
  const progress = (done: number) => {
    if (Date.now() - last < progressIntervalMs) return;
    last = Date.now();
    process.send?.({ done });
  };
  try {
    const info: KindInfo = kinds[kind];
    const { run } = await info.load();
    return { result: await run({ ...given, progress }) };
  } catch (error) {
    const code = codeOf(error);
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const { exitCode } = error instanceof RunnerError ? error : {};
    return {
      error: { ...(code && { code }), ...(exitCode && { exitCode }), message, ...(stack && { stack }) },
    };
  }
}

process.on('message', async (request: Request) => {
  const response = await answer(request);
  process.send?.(response);
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when its children end.
process.on('SIGINT', () => {});
