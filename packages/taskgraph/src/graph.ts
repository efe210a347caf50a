import { digestOfText } from './digest.js';
import { canonicalJson, type Json } from './json.js';
import type { Hints, InputNames, Kind, OutputNames, Range } from './kind.js';
import { mapValues, once } from './maps.js';
import { lengthOf } from './ranges.js';

/** A file of another task. Where its kind may leave it out, it is no input of the tasks that it is missing from. */
export interface OutputRef {
  readonly task: Task;
  readonly output: string;
}

/** A file or folder from outside; `as` says what it is taken for, to whoever tells which files belong to it. */
export interface FileRef {
  readonly file: string;
  readonly as?: string;
}

/** Files of shards in the order of their items: of all, or of those that hold the first `first` items. */
export interface ShardsRef {
  readonly shards: Shards;
  readonly output: string;
  readonly first?: number;
}

/** Of shards, as an input of other shards: files that hold exactly the items of each. */
export interface EachRef {
  readonly each: Shards;
  readonly output: string;
}

/** As an input of shards: what depends on the items of each. */
export interface RangeRef {
  of(range: Range): readonly Ref[];
  /** What stands for all of it in the shards' family: a value, and files. */
  readonly identity: Json;
  readonly on: readonly Ref[];
}

/** Exactly these items of shards. */
interface SpanRef {
  readonly shards: Shards;
  readonly output: string;
  readonly span: Range;
}

export type Ref = OutputRef | FileRef;
/** What a task's input comes from. */
export type TaskInput = Ref | ShardsRef | SpanRef;
/** What an input of shards comes from. */
export type ShardsInput = Ref | ShardsRef | EachRef | RangeRef;

/** One thing to compute, once. */
export interface Task<K extends Kind = Kind> {
  /** Equal exactly when kind, parameters and inputs are; of one graph alone, and in no key. */
  readonly id: string;
  readonly kind: K;
  readonly params: Json;
  readonly inputs: Readonly<Record<string, readonly TaskInput[]>>;
  readonly hints: Hints;
  /** For people. */
  readonly title: string;
  /** Expected cost, for progress alone. */
  readonly work: number;
  /** Of a shard: its items, and the shards that it is one of. */
  readonly range?: Range;
  readonly shards?: Shards;
}

/** One thing to compute for many items, in shards that are cut when it is known which are finished. */
export interface Shards<K extends Kind = Kind> {
  readonly id: string;
  readonly kind: K;
  /** Without the items. */
  readonly params: Readonly<Record<string, Json>>;
  readonly inputs: Readonly<Record<string, readonly ShardsInput[]>>;
  /** Ranges of items in the order that is asked for, no item twice. */
  readonly ranges: readonly Range[];
  /** Items in a shard, where nothing else says how to cut. */
  readonly size: number;
  readonly hints: Hints;
  readonly title: string;
  /** What an item is called in titles. */
  readonly item: string;
  readonly workPerItem: number;
}

export type Node = Task | Shards;

export const isShards = (node: Node): node is Shards => 'ranges' in node;

interface InputFor {
  readonly one: Ref;
  readonly optional: Ref | undefined;
  readonly many: readonly (Ref | ShardsRef)[];
}
interface ShardsInputFor extends Omit<InputFor, 'one' | 'many'> {
  readonly one: Ref | EachRef;
  readonly many: readonly ShardsInput[];
}

type Optional<I extends InputNames> = { [N in keyof I]: I[N] extends 'optional' ? N : never }[keyof I];
type Inputs<I extends InputNames, For extends Record<keyof I, unknown>> = {
  readonly [N in Exclude<keyof I, Optional<I>>]: For[N];
} & { readonly [N in Optional<I>]?: For[N] };

interface TaskParts<P, I extends InputNames> {
  readonly title: string;
  readonly params: P;
  readonly inputs: Inputs<I, { [N in keyof I]: InputFor[I[N]] }>;
  readonly hints?: Hints;
  readonly work?: number;
}

interface ShardsParts<P, I extends InputNames, V> {
  readonly title: string;
  readonly params: Omit<P, V & keyof P>;
  readonly inputs: Inputs<I, { [N in keyof I]: ShardsInputFor[I[N]] }>;
  readonly ranges: readonly Range[];
  readonly size: number;
  readonly item: string;
  readonly hints?: Hints;
  readonly workPerItem?: number;
}

/** A task's file as another's input. */
export const output = <K extends Kind>(task: Task<K>, name: string & keyof K['outputs']): OutputRef => ({
  task,
  output: name,
});

/** The files of all shards, or of those that hold the first `first` items. */
export const outputs = <K extends Kind>(
  shards: Shards<K>,
  name: string & keyof K['outputs'],
  first?: number,
): ShardsRef => ({ shards, output: name, ...(first !== undefined && { first }) });

/** For shards: of each its items in others. */
export const each = <K extends Kind>(shards: Shards<K>, name: string & keyof K['outputs']): EachRef => ({
  each: shards,
  output: name,
});

/** A file or folder from outside. */
export const outside = (path: string, as?: string): FileRef => ({
  file: path,
  ...(as !== undefined && { as }),
});

export type GraphBuilder = ReturnType<typeof graphBuilder>;

/** Collects tasks, each once however often it is asked for; no two have one title. */
export function graphBuilder() {
  const nodes = new Map<string, Node>();
  const titled = titles();
  const nodeOf = <N extends Node>(node: N): N => once<string, Node>(nodes, node.id, () => titled(node)) as N;
  return {
    task<P, I extends InputNames, O extends OutputNames, V extends string>(
      kind: Kind<P, I, O, V>,
      { hints = {}, work = 0, ...parts }: TaskParts<P, I>,
    ): Task<Kind<P, I, O, V>> {
      const [params, inputs] = [parts.params as Json, listsOf<TaskInput>(parts.inputs)];
      const id = identityOf('task', kind.name, params, inputs);
      return nodeOf({ ...parts, id, kind, params, inputs, hints, work });
    },
    /** Each shard has its range as the parameter that the kind names as `over`. */
    shards<P, I extends InputNames, O extends OutputNames, V extends string>(
      kind: Kind<P, I, O, V>,
      { hints = {}, workPerItem = 0, ...parts }: ShardsParts<P, I, V>,
    ): Shards<Kind<P, I, O, V>> {
      const params = parts.params as unknown as Readonly<Record<string, Json>>;
      const [inputs, { ranges, size }] = [listsOf<ShardsInput>(parts.inputs), parts];
      const id = identityOf('shards', kind.name, { params, ranges, size } as unknown as Json, inputs);
      return nodeOf({ ...parts, id, kind, params, inputs, hints, workPerItem });
    },
  };
}

export const idOfShard = ({ id }: Shards, [first, last]: Range): string => `${id} ${first}-${last}`;

/** The shard of a range: a task whose inputs are of the same range. */
export function shardOf(shards: Shards, range: Range): Task {
  const { kind, hints, workPerItem } = shards;
  const inputs = mapValues(shards.inputs, (list) =>
    list.flatMap((input): readonly TaskInput[] => {
      if ('each' in input) return [{ shards: input.each, output: input.output, span: range }];
      return 'of' in input ? input.of(range) : [input];
    }),
  );
  return {
    id: idOfShard(shards, range),
    kind,
    params: { ...shards.params, ...(kind.over !== undefined && { [kind.over]: range }) },
    inputs,
    hints,
    title: titleOf(shards, range),
    work: workPerItem * lengthOf(range),
    range,
    shards,
  };
}

/** The items `take` of a shard that is finished. */
export function sliceTask(shard: Task, kind: Kind, take: Range): Task {
  const inputs = mapValues(kind.outputs, (_, output) => [{ task: shard, output }]);
  const { shards, range } = shard as Task & { readonly shards: Shards; readonly range: Range };
  return {
    id: `${shard.id} of which ${take[0]}-${take[1]}`,
    kind,
    params: { of: range, take },
    inputs,
    hints: {},
    title: titleOf(shards, take),
    work: 0,
    range: take,
    shards,
  };
}

/** Shards as people call them. */
export const titleOf = ({ title, item }: Shards, [first, last]: Range): string =>
  `${title}, ${first === last ? `${item} ${first}` : `${item}s ${first}-${last}`}`;

/** Gives each node a title of its own: one that is taken is told apart by what differs from the first that had it. */
function titles() {
  const byTitle = new Map<string, Node>();
  return (node: Node): Node => {
    const at = (title: string) => (isShards(node) ? `${title}, ${node.ranges.join(' ')}` : title);
    const first = byTitle.get(at(node.title));
    const then = first && factsOf(first);
    const differing = then ? [...factsOf(node)].filter(([name, fact]) => then.get(name) !== fact) : [];
    const told = [...new Set(differing.map(([, fact]) => fact))].join(', ');
    const title = told === '' ? node.title : `${node.title} (${told})`;
    let own = title;
    for (let n = 2; byTitle.has(at(own)); n++) own = `${title} #${n}`;
    byTitle.set(at(own), node);
    return own === node.title ? node : { ...node, title: own };
  };
}

/** What tells nodes of one title apart, in words: parameters, and what inputs come from. */
function factsOf({ params, inputs }: Node): Map<string, string> {
  const facts = new Map<string, string>();
  const add = (path: string, value: Json): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [name, part] of Object.entries(value)) add(path === '' ? name : `${path}.${name}`, part);
    else facts.set(path, `${path} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  };
  add('', params);
  const sourceOf = (input: TaskInput | ShardsInput): string => {
    if ('file' in input) return input.file;
    if ('task' in input) return input.task.title;
    if ('each' in input) return input.each.title;
    return 'shards' in input ? input.shards.title : canonicalJson(input.identity);
  };
  for (const [name, list] of Object.entries(inputs)) facts.set(`of ${name}`, list.map(sourceOf).join(', '));
  return facts;
}

/** These and all that they need, inputs first. */
export function needed(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>();
  const visit = (node: Node) => {
    if (seen.has(node)) return;
    for (const input of inputNodes(node)) visit(input);
    seen.add(node);
  };
  roots.forEach(visit);
  return [...seen];
}

/** Those whose files a task or shards read; of shards without what depends on the range. */
export function inputNodes(node: Node): Node[] {
  const lists: readonly (readonly (TaskInput | ShardsInput)[])[] = Object.values(node.inputs);
  const of = (input: TaskInput | ShardsInput): Node[] => {
    if ('task' in input) return [input.task];
    if ('shards' in input) return [input.shards];
    if ('each' in input) return [input.each];
    return 'on' in input ? input.on.flatMap(of) : [];
  };
  return lists.flatMap((list) => list.flatMap(of));
}

/** An input without entries is no input: whoever doesn't read it has the same key as before there was one. */
function listsOf<T>(inputs: object): Record<string, readonly T[]> {
  const lists: Record<string, readonly T[]> = {};
  for (const [name, given] of Object.entries(inputs)) {
    const list = Array.isArray(given) ? given : given === undefined ? [] : [given];
    if (list.length > 0) lists[name] = list;
  }
  return lists;
}

function identityOf(
  what: string,
  kind: string,
  params: Json,
  inputs: Readonly<Record<string, readonly (TaskInput | ShardsInput)[]>>,
): string {
  const named = mapValues(inputs, (list): Json => list.map(nameOf));
  return digestOfText(canonicalJson({ what, kind, params, inputs: named }));
}

function nameOf(input: TaskInput | ShardsInput): Json {
  if ('file' in input) return ['file', input.file, input.as ?? ''];
  if ('task' in input) return ['task', input.task.id, input.output];
  if ('each' in input) return ['each', input.each.id, input.output];
  if ('of' in input) return ['range', input.identity, input.on.map(nameOf)];
  const part: Json = 'span' in input ? [...input.span] : ((input as ShardsRef).first ?? null);
  return ['shards', input.shards.id, input.output, part];
}
