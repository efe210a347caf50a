import type { Device } from '@fewstep/models';
import type { Json } from '../json.js';

/** What a task gets: all it may read, and a folder to write in. */
export interface TaskContext<Params = Json> {
  readonly params: Params;
  readonly hints: { readonly batch?: number };
  /** Paths of verified files, by input name. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  /** What evaluates networks. */
  readonly device: Device;
  /** An empty folder on the store's disk. */
  readonly dir: string;
  /** Says how far it is, in units of its expected work. */
  progress(done: number): void;
}

export interface TaskResult {
  /** Output name → file name in `dir`. */
  readonly files: Readonly<Record<string, string>>;
  /** Small facts that were counted. */
  readonly meta: Readonly<Record<string, Json>>;
}

export interface TaskModule {
  // biome-ignore lint/suspicious/noExplicitAny: each module narrows the parameters that its own kind is compiled with
  run(context: TaskContext<any>): Promise<TaskResult>;
}
