import {
  type Digest,
  isDigest,
  isKeyedTask,
  isSigned,
  type Job,
  type JobInput,
  type Json,
  type KeyedTask,
  type Output,
  type Outputs,
  type Provenance,
  type SharedFiles,
  signatureOf,
  TaskgraphError,
} from '@fewstep/taskgraph';
import { isMap } from '@fewstep/taskgraph/json';

/** A file that a task reads, where all machines reach it; `name` and `as` of one that is in no store. */
export interface SentInput extends Output {
  readonly name?: string;
  readonly as?: string;
}

/** A task as it is sent: what its key is made of, so that whoever gets it can tell. It holds digests, and no contents. */
export type Message = KeyedTask<SentInput>;

/** What a worker computed, its files where all machines reach them. */
export interface Result {
  readonly outputs: Outputs;
  readonly meta: Readonly<Record<string, Json>>;
  readonly device: Json;
  readonly by: Omit<Provenance, 'device'>;
}

/** What came of it, as a worker says. */
export type Outcome = Result | { readonly error: Failure };

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly outOfMemory?: boolean;
  /** An input that the worker could not get, or that was not what it is said to be. */
  readonly lost?: Output;
}

/** How far it is, as workers say while it runs; kept with the job. */
export interface State {
  /** Who began it and neither ended it nor gave it back. */
  readonly begun: readonly { readonly id: string; readonly worker: string; readonly at: string }[];
  readonly done?: number;
  /** Warnings of its code, and who refuses it and why: the last of them. */
  readonly warnings: readonly string[];
  readonly refusals: readonly string[];
}
export const unbegun: State = { begun: [], warnings: [], refusals: [] };

/** Larger ones stay where they are, and what reads them runs there. */
const mostBytes = 2 ** 30;

/** BullMQ takes no colon in a name, and nothing of digits alone. */
export const idOf = (key: Digest): string => `t-${key}`;
export const keyIn = (id: string | undefined): Digest => (id ?? '').slice(2);

/** Sees to it that workers reach a file from outside; its size, or nothing where they can't. */
export const sendOutside = (
  { digest, file }: Pick<JobInput & { file: string }, 'digest' | 'file'>,
  files: SharedFiles,
  anew = false,
): Promise<Output | undefined> => files.offerOutside(digest, file, { mostBytes, anew });

/** A job as it is sent, its files where workers reach them; nothing where it can run on this machine alone. */
export async function messageOf(job: Job, files: SharedFiles): Promise<Message | undefined> {
  const { key, kind, params, versions, hints } = job;
  if (kind.code?.some((name) => job.inputs[name]?.length)) return undefined;
  const inputs: Record<string, SentInput[]> = {};
  for (const [name, list] of Object.entries(job.inputs)) {
    inputs[name] = [];
    for (const input of list) {
      if (!('file' in input)) {
        inputs[name].push({ digest: input.digest, size: input.size });
        continue;
      }
      const { digest, file, as } = input;
      const shared = await sendOutside({ digest, file }, files);
      if (!shared) return undefined;
      const base = file.split(/[/\\]/).at(-1)!;
      inputs[name].push({ ...shared, name: base, ...(as !== undefined && { as }) });
    }
  }
  return { key, kind: kind.name, params, versions, hints, inputs };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isOutput = (value: unknown): value is Output =>
  isMap(value) && isDigest(value.digest) && Number.isSafeInteger(value.size) && (value.size as number) >= 0;

/** A file's own name, and nothing that leads elsewhere. */
const isName = (value: unknown): boolean =>
  isText(value) && value !== '' && value !== '.' && value !== '..' && !/[/\\\0]/.test(value);

const isInput = (value: unknown): value is SentInput => {
  if (!isOutput(value)) return false;
  const { name, as }: SentInput = value;
  return (name === undefined || isName(name)) && (as === undefined || isText(as));
};

/** What a job of the queue holds, once its key was compared with what it is made of. @throws TaskgraphError E_QUEUE */
export function parseMessage(data: unknown, id: string | undefined): Message {
  const isOne = isKeyedTask(data, isInput) && id === idOf(data.key);
  if (isOne && Object.values(data.inputs).every((list) => list.length > 0)) return data;
  throw new TaskgraphError('E_QUEUE', `the queue's job ${id} is no task: nothing is done with it.`);
}

/**
 * An outcome as a worker sends it: signed with the laboratory's key (`FEWSTEP_CACHE_KEY`) as that of the task; where there is
 * none that tells what was damaged on the way, and nothing of who sent it.
 */
export function sealed(key: Digest, outcome: Outcome): { readonly outcome: Outcome; readonly seal: string } {
  return { outcome, seal: signatureOf(sealedName(key), outcome as unknown as Json, secret()) };
}
const sealedName = (key: Digest) => `outcomes/${key}`;
const secret = () => process.env.FEWSTEP_CACHE_KEY ?? '';

/** What a worker said came of a task; nothing where no worker of the laboratory said it of this one. */
export function parseOutcome(sent: unknown, key: Digest): Outcome | undefined {
  if (!isMap(sent) || !isSigned(sealedName(key), sent.outcome as Json, sent.seal, secret())) return undefined;
  const value = sent.outcome;
  if (isMap(value) && isMap(value.error)) {
    const { code, message, exitCode, outOfMemory, lost } = value.error;
    if (!isText(code) || !/^E_[A-Z_]+$/.test(code) || !isText(message)) return undefined;
    return {
      error: {
        code,
        message,
        exitCode: exitCode === 2 ? 2 : 1,
        ...(outOfMemory === true && { outOfMemory }),
        ...(isOutput(lost) && { lost: { digest: lost.digest, size: lost.size } }),
      },
    };
  }
  if (!isMap(value) || !isMap(value.outputs) || !isMap(value.meta) || !isMap(value.by)) return undefined;
  const { host, node, startedAt, seconds } = value.by;
  const isWhole =
    Object.values(value.outputs).every(isOutput) &&
    [host, node, startedAt].every(isText) &&
    typeof seconds === 'number';
  if (!isWhole) return undefined;
  const outputs = Object.entries(value.outputs as Outputs);
  return {
    outputs: Object.fromEntries(outputs.map(([name, { digest, size }]) => [name, { digest, size }])),
    meta: value.meta as Record<string, Json>,
    device: value.device as Json,
    by: { host, node, startedAt, seconds } as Omit<Provenance, 'device'>,
  };
}

/** What workers said of a job, as far as it is of that form. */
export function parseState(value: unknown): State {
  if (!isMap(value)) return unbegun;
  const texts = (list: unknown) => (Array.isArray(list) ? list.filter(isText) : []);
  const begun = Array.isArray(value.begun) ? value.begun : [];
  return {
    begun: begun.filter((one) => isMap(one) && [one.id, one.worker, one.at].every(isText)),
    ...(typeof value.done === 'number' && { done: value.done }),
    warnings: texts(value.warnings),
    refusals: texts(value.refusals),
  };
}

/** Whether files that workers gave are where all machines reach them; where they are only here, they are put there. */
export async function areShared(outputs: Outputs, files: SharedFiles): Promise<boolean> {
  for (const output of Object.values(outputs)) if (!(await files.offer(output))) return false;
  return true;
}
