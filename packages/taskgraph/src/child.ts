/** The process that computes: one job at a time, as its parent sends them; ends with its parent. */
import type { Digest } from './digest.js';
import { codeOf, TaskgraphError } from './errors.js';
import type { JobResult } from './executor.js';
import type { Json } from './json.js';
import { type Hints, type Kind, kindNamed } from './kind.js';
import { mapValues } from './maps.js';

/** A job whose inputs are local files. */
export interface Request {
  /** Where the kinds are declared: a module that exports them as `kinds`. */
  readonly kinds: string;
  readonly kind: string;
  readonly params: Json;
  readonly hints: Hints;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly digests: Readonly<Record<string, readonly Digest[]>>;
  readonly device: Json;
  readonly dir: string;
}
export interface Failure {
  readonly error: {
    readonly code?: string;
    readonly exitCode?: number;
    readonly message: string;
    readonly stack?: string;
  };
}
export type Response = { readonly result: Omit<JobResult, 'device'> } | Failure;

interface Running extends Omit<Request, 'kinds' | 'kind' | 'inputs'> {
  readonly inputs: Readonly<Record<string, string | undefined | readonly string[]>>;
  progress(done: number): void;
}

const progressIntervalMs = 200;

async function answer({ kinds: module, kind: name, inputs, ...given }: Request): Promise<Response> {
  let last = 0;
  const progress = (done: number) => {
    if (Date.now() - last < progressIntervalMs) return;
    last = Date.now();
    process.send?.({ done });
  };
  try {
    const { kinds } = (await import(module)) as { readonly kinds: Readonly<Record<string, Kind>> };
    const kind = kindNamed(kinds, name);
    if (!kind) throw new Error(`${module} declares no kind ${name}`);
    const { run } = (await kind.run()) as { run(context: Running): Promise<Omit<JobResult, 'device'>> };
    const shaped = mapValues(kind.inputs, (multiplicity, input) =>
      multiplicity === 'many' ? (inputs[input] ?? []) : inputs[input]?.[0],
    );
    return { result: await run({ ...given, inputs: shaped, progress }) };
  } catch (error) {
    const code = codeOf(error);
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const { exitCode } = error instanceof TaskgraphError ? error : {};
    return {
      error: { ...(code && { code }), ...(exitCode && { exitCode }), message, ...(stack && { stack }) },
    };
  }
}

process.on('message', async (request: Request) => {
  const response = await answer(request);
  process.send?.(response);
});
// What a task warns of is for those who asked for it; Node's own warnings are not.
process.on('warning', (warning: Error & { readonly code?: string }) => {
  if (warning.code?.startsWith('W_')) process.send?.({ warning: warning.message });
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when its children end.
process.on('SIGINT', () => {});
