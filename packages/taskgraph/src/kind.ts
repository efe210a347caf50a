import type { Digest } from './digest.js';
import type { Json } from './json.js';
import { mapValues, once } from './maps.js';

/** How many files an input is: one, at most one, or a list. */
type Multiplicity = 'one' | 'optional' | 'many';
/** Whether every result has an output. */
type Presence = 'file' | 'optional';

export const one = 'one';
export const optional = 'optional';
export const many = 'many';
export const file = 'file';

export type InputNames = Readonly<Record<string, Multiplicity>>;
export type OutputNames = Readonly<Record<string, Presence>>;

/** The type of a kind's parameters; nothing at run time. */
export interface Params<P> {
  readonly type?: P;
}
export const params = <P>(): Params<P> => ({});

/** Consecutive items, both ends included. */
export type Range = readonly [first: number, last: number];

/** What a kind of task is, said once: types, keys, checks and the code that runs follow from it. */
export interface Kind<
  P = unknown,
  I extends InputNames = InputNames,
  O extends OutputNames = OutputNames,
  V extends string = string,
> {
  readonly name: string;
  /** Raised when the task's own code changes a result. */
  readonly revision: number;
  /** The packages that compute it: a new version of one of them makes new keys. */
  readonly packages: readonly string[];
  /** JSON: exactly the parameters that the result depends on. */
  readonly params: Params<P>;
  readonly inputs: I;
  readonly outputs: O;
  /** Inputs that are code, executed where the task is computed: never on a machine that only others ask. */
  readonly code?: readonly string[];
  /** The parameter that holds a shard's range of items, where a task of the kind is a shard. */
  readonly over?: V;
  /** What helps where its process runs out of memory, in the words of those who ask for the task. */
  readonly memory?: string;
  /** A module that exports `run`, of the type `Run<typeof kind>`; loaded only where a task of the kind is computed. */
  readonly run: () => Promise<unknown>;
  /** One that exports `slice`, of the type `Slice<typeof kind>`: some items of a finished shard without computing them. */
  readonly slice?: () => Promise<unknown>;
}

/** Declares a kind. `run` is a function, so that its module need not be loaded to make keys. */
export const kind = <
  P,
  const I extends InputNames,
  const O extends OutputNames,
  const V extends string & keyof P = never,
>(
  declaration: Kind<P, I, O, V>,
): Kind<P, I, O, V> => declaration;

type ParamsOf<K> = K extends Kind<infer P, infer _I, infer _O> ? P : never;

/** Verified files: a path for one, none or a path for an optional one, a list for many. */
type FilesOf<I extends InputNames> = {
  readonly [N in keyof I]: { one: string; optional: string | undefined; many: readonly string[] }[I[N]];
};

type Produced<O extends OutputNames> = {
  readonly [N in keyof O as O[N] extends 'file' ? N : never]: string;
} & { readonly [N in keyof O as O[N] extends 'file' ? never : N]?: string };

/** What changes speed or memory and no bit of the result. */
export interface Hints {
  /** Items that are worked on together. */
  readonly batch?: number;
}

/** What a task gets: all that it may read, and a folder to write in. */
interface TaskContext<P = unknown, I extends InputNames = InputNames> {
  readonly params: P;
  readonly hints: Hints;
  readonly inputs: FilesOf<I>;
  /** Of the contents of the inputs, by name: what is made of one may be kept for the next task by its digest. */
  readonly digests: Readonly<Record<string, readonly Digest[]>>;
  /** What its executor computes on, as JSON; in no key. */
  readonly device: Json;
  /** An empty folder on the store's disk. */
  readonly dir: string;
  /** Says how far it is, in units of its expected work; a task without any, what share of it is done. */
  progress(done: number): void;
}

interface TaskResult<O extends OutputNames = OutputNames> {
  /** Output name → file name in `dir`. */
  readonly files: Produced<O>;
  /** Small facts that were counted; in no key. */
  readonly meta: Readonly<Record<string, Json>>;
}

/** What a task of a kind gets. */
export type ContextOf<K extends Kind> =
  K extends Kind<infer _P, infer I, infer _O> ? TaskContext<ParamsOf<K>, I> : never;
export type ResultOf<K extends Kind> = K extends Kind<infer _P, infer _I, infer O> ? TaskResult<O> : never;

/** The type of what a kind's module exports as `run`. */
export type Run<K extends Kind> = (context: ContextOf<K>) => Promise<ResultOf<K>>;

/** `of`: the items of the finished shard; `take`: those that are asked for. */
interface SliceParams {
  readonly of: Range;
  readonly take: Range;
}

type FromOutputs<O extends OutputNames> = {
  readonly [N in keyof O]: O[N] extends 'file' ? 'one' : 'optional';
};

/** The type of what a kind's module exports as `slice`: the outputs of a shard are its inputs. */
export type Slice<K extends Kind> =
  K extends Kind<infer _P, infer _I, infer O>
    ? (context: TaskContext<SliceParams, FromOutputs<O>>) => Promise<TaskResult<O>>
    : never;

const slices = new WeakMap<Kind, Kind>();

/** The kind of task that takes some items out of a finished shard of a kind; none where that can't be done. */
export function sliceOf(of: Kind): Kind | undefined {
  const load = of.slice;
  if (!load) return undefined;
  const { name, revision, packages, outputs } = of;
  return once(slices, of, () => ({
    name: `${name}.slice`,
    revision,
    packages,
    params: {},
    inputs: mapValues(outputs, (presence) => (presence === 'file' ? one : optional)),
    outputs,
    run: async () => ({ run: ((await load()) as { slice: unknown }).slice }),
  }));
}

/** The kind of a name among those declared, slices included. */
export function kindNamed(kinds: Readonly<Record<string, Kind>>, name: string): Kind | undefined {
  for (const one of Object.values(kinds)) {
    if (one.name === name) return one;
    if (`${one.name}.slice` === name) return sliceOf(one);
  }
  return undefined;
}
