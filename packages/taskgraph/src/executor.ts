import { basename, join } from 'node:path';
import type { Digest } from './digest.js';
import type { Json } from './json.js';
import type { Versions } from './key.js';
import type { Hints, Kind } from './kind.js';
import type { Output, Provenance } from './store/record.js';

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
  /** Ends it at once; what it had not finished is lost. */
  readonly signal?: AbortSignal;
}

/** What came of a job. */
export interface JobResult {
  /** Output name → file name in the job's folder, or what its file is that other machines have put where the store looks. */
  readonly files: Readonly<Record<string, string | Output>>;
  readonly meta: Readonly<Record<string, Json>>;
  /** What it was computed on, for the record. */
  readonly device: Json;
  /** Where and when, if another machine computed it. */
  readonly by?: Omit<Provenance, 'device'>;
}

/** Where jobs run: processes of this machine, or other machines, which bring their files back. */
export interface Executor {
  /** Jobs that run at once; more of them wait. */
  readonly slots: number;
  /** Whether its jobs reach a file of the store; where it doesn't say, those reach it that is sound on this machine. */
  has?(file: Output): Promise<boolean>;
  run(job: Job): Promise<JobResult>;
  /** Ends what runs, at once; what it had not finished is lost. */
  close(): Promise<void>;
}

/** The files of a result in a job's folder; only names within it count. */
export const filesIn = (dir: string, { files }: JobResult): JobResult['files'] =>
  Object.fromEntries(
    Object.entries(files).flatMap(([name, file]) => {
      if (file === undefined) return [];
      return [[name, typeof file === 'string' ? join(dir, basename(file)) : file]];
    }),
  );
