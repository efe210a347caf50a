import type { Device } from '@fewstep/models';
import type { Json } from '../json.js';
import type { Kind } from '../tasks/kinds.js';
import type { TaskResult } from '../tasks/task-module.js';

/** One task made concrete: its inputs are files. */
export interface Job {
  readonly kind: Kind;
  readonly params: Json;
  readonly hints: { readonly batch?: number };
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  /** An empty folder for its outputs. */
  readonly dir: string;
  onStart(): void;
  onProgress(done: number): void;
}

/** Where jobs run. The result's files are absolute paths, present and not empty. */
export interface Executor {
  /** What evaluates networks, for the record. */
  readonly device: Device;
  /** Jobs that run at once; more of them wait. */
  readonly slots: number;
  run(job: Job): Promise<TaskResult>;
  /** Ends every process at once; what runs is lost. */
  close(): Promise<void>;
}
