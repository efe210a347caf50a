import type { Digest } from './digest.js';
import type { Json } from './json.js';
import type { Versions } from './key.js';
import type { Hints, Kind } from './kind.js';

/** A file that a job reads: one of the store, or one from outside, which a machine may have in another place. */
export type JobInput =
  | { readonly digest: Digest; readonly size: number }
  | { readonly digest: Digest; readonly file: string; readonly as?: string };

/** One task made concrete. All but `dir` and the functions are plain data that another machine can be sent. */
export interface Job {
  /** The task's key, which names it wherever it is sent. */
  readonly key: Digest;
  readonly kind: Kind;
  /** Of what computes it, as they are in its key: whoever has others can't. */
  readonly versions: Versions;
  readonly params: Json;
  readonly hints: Hints;
  readonly inputs: Readonly<Record<string, readonly JobInput[]>>;
  /** An empty folder on the store's disk; the result's files are put there. */
  readonly dir: string;
  /** The local path of an input, compared with its digest. */
  locate(input: JobInput): Promise<string>;
  onStart(): void;
  onProgress(done: number): void;
  /** What its code warns of, by `process.emitWarning` with a code W_…. */
  onWarning(text: string): void;
}

/** What came of a job. */
export interface JobResult {
  /** Output name → file name in the job's folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly meta: Readonly<Record<string, Json>>;
  /** What it was computed on, for the record. */
  readonly device: Json;
}

/** Where jobs run: processes of this machine, or other machines, which bring their files back. */
export interface Executor {
  /** Jobs that run at once; more of them wait. */
  readonly slots: number;
  run(job: Job): Promise<JobResult>;
  /** Ends what runs, at once; what it had not finished is lost. */
  close(): Promise<void>;
}
