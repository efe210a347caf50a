import { type Digest, digestOfText } from './digest.js';
import { type Expansion, expander } from './expand.js';
import {
  isShards,
  type Node,
  needed,
  type Ref,
  type Shards,
  type Task,
  type TaskInput,
  titleOf,
} from './graph.js';
import { canonicalJson, type Json } from './json.js';
import { type KeyComponents, keyOf, type Versions, versionsOf } from './key.js';
import type { Kind, Range } from './kind.js';
import { countOfMultiples, lengthOf } from './ranges.js';
import type { ActionRecord } from './store/record.js';
import type { Found, Store } from './store/store.js';

/** What a run would do with a task, or with shards that follow each other, and why. */
export interface Planned {
  /** What of the graph that is; of a task that shards need for their items alone, these. */
  readonly node: Node;
  readonly kind: Kind;
  readonly title: string;
  /** How many tasks that is. */
  readonly count: number;
  /** Their expected work, in the units of the graph. */
  readonly work: number;
  /** Of a single task that is in the store. */
  readonly record?: ActionRecord;
  readonly found: boolean;
  /** Where it is found. */
  readonly source?: Found['source'];
  /** Why it would be computed. */
  readonly why?: string;
}

/** Of so many shards each is looked up; of more, those that no note says are finished count as not there. */
const mostLookedUp = 4_096;

/** What it waits for; thrown so often that a trace of the stack would cost more than all else. */
class Waits {
  constructor(readonly title: string) {}
}

/**
 * What a run would find and what it would compute, inputs first, without computing anything.
 *
 * Keys are over the contents of inputs, so a task whose inputs are not computed yet counts as to compute, though it may
 * turn out to be in the store once they are.
 *
 * - `explain`: look through the store for what made a task new, where nothing else says why.
 */
export async function plan(
  roots: readonly Node[],
  { store, versions, explain = false }: { store: Store; versions: Versions; explain?: boolean },
): Promise<Planned[]> {
  const records = new Map<string, ActionRecord>();
  let nearest: Promise<(components: KeyComponents) => string> | undefined;

  const digestsOf = async (input: TaskInput): Promise<readonly Digest[]> => {
    if ('file' in input) return [(await store.look(input.file, input.as)).digest];
    const digests: Digest[] = [];
    // of millions the first that is missing says it all
    for (const task of 'task' in input ? [input.task] : await tasksOf(input)) {
      const record = records.get(task.id);
      if (!record) throw new Waits(task.title);
      const output = record.outputs[input.output];
      if (output) digests.push(output.digest);
    }
    return digests;
  };
  const { expand, keyOf: notedKeyOf } = expander({ store, versions, digestsOf });
  const tasksOf = async (input: Exclude<TaskInput, Ref>): Promise<Iterable<Task>> => {
    const expansion = await expand(input.shards);
    return 'span' in input ? expansion.covering(input.span) : expansion.tasks(input.first);
  };

  const componentsOf = async (task: Task): Promise<KeyComponents> => {
    const inputs: Record<string, readonly Digest[]> = {};
    for (const [name, list] of Object.entries(task.inputs)) {
      const digests: Digest[] = [];
      for (const input of list) digests.push(...(await digestsOf(input)));
      if (digests.length > 0) inputs[name] = digests;
    }
    return { kind: task.kind.name, params: task.params, inputs, versions: versionsOf(task.kind, versions) };
  };

  /** The record of a task and where it is, or why there is none. */
  const find = async (task: Task): Promise<Found | string> => {
    try {
      const noted = notedKeyOf(task);
      const components = noted === undefined ? await componentsOf(task) : undefined;
      const found = await store.lookup(noted ?? keyOf(components!), task.kind.outputs);
      if (found) {
        records.set(task.id, found.record);
        return found;
      }
      if (!explain || !components) return 'not in the store';
      nearest ??= explainer(store);
      return (await nearest)(components);
    } catch (error) {
      return whyNot(error);
    }
  };

  const planShards = async (shards: Shards): Promise<Planned[]> => {
    const { kind, ranges, workPerItem } = shards;
    let expansion: Expansion;
    try {
      expansion = await expand(shards);
    } catch (error) {
      const upstream = Object.values(shards.inputs)
        .flat()
        .find((input) => 'each' in input);
      const like = upstream ? upstream.each : shards;
      const count = like.ranges.reduce((sum, range) => sum + countOfMultiples(range, like.size), 0);
      const whole: Range = [ranges[0]?.[0] ?? 0, ranges.at(-1)?.[1] ?? 0];
      const work = ranges.reduce((sum, range) => sum + workPerItem * lengthOf(range), 0);
      return [plannedAs({ node: shards, kind, count, work }, titleOf(shards, whole), whyNot(error))];
    }
    const runs: (Counted & { range: Range; outcome: Found | string })[] = [];
    for (const { range, shard } of expansion.pieces) {
      if (!shard && expansion.count > mostLookedUp) {
        const [count, work] = [expansion.countOf(range), workPerItem * lengthOf(range)];
        runs.push({ node: shards, range, kind, count, work, outcome: 'not in the store' });
        continue;
      }
      for (const task of expansion.covering(range)) {
        for (const input of Object.values(task.inputs).flat()) {
          if (!('task' in input)) continue;
          // the shard that a slice is cut from is there already; any other task is what this range alone needs
          if (input.task.shards) await find(input.task);
          else await planTask(input.task, shards);
        }
        const [first, last] = task.range ?? range;
        const outcome = await find(task);
        const before = runs.at(-1);
        const follows = before?.kind === task.kind && before.range[1] + 1 === first;
        if (follows && sourceOf(before.outcome) === sourceOf(outcome)) {
          before.range = [before.range[0], last];
          before.count++;
          before.work += task.work;
        } else
          runs.push({
            ...{ node: shards, kind: task.kind, count: 1, work: task.work },
            ...{ range: [first, last], outcome },
          });
      }
    }
    return runs.map(({ range, outcome, ...counted }) => plannedAs(counted, titleOf(shards, range), outcome));
  };

  const visited = new Set<string>();
  const planned: Planned[] = [];
  const planTask = async (task: Task, node: Node = task): Promise<void> => {
    if (visited.has(task.id)) return;
    visited.add(task.id);
    const { kind, title, work } = task;
    planned.push(plannedAs({ node, kind, count: 1, work }, title, await find(task)));
  };
  for (const node of needed(roots)) {
    if (isShards(node)) planned.push(...(await planShards(node)));
    else await planTask(node);
  }
  return planned;
}

function whyNot(error: unknown): string {
  if (error instanceof Waits) return `waits for ${error.title}`;
  return `needs a file that can't be read: ${(error as Error).message}`;
}

const sourceOf = (outcome: Found | string): Found['source'] | undefined =>
  typeof outcome === 'string' ? undefined : outcome.source;

/** Tasks of one kind, together. */
type Counted = { node: Node; kind: Kind; count: number; work: number };

/** `outcome`: the record of the first of them and where it is, or why they would be computed. */
function plannedAs(counted: Counted, title: string, outcome: Found | string): Planned {
  const { node, kind, count, work } = counted;
  const said = { node, kind, title, count, work };
  if (typeof outcome === 'string') return { ...said, found: false, why: outcome };
  const { record, source } = outcome;
  return { ...said, found: true, source, ...(count === 1 && { record }) };
}

/** Differences to the most similar result in the store: what made a task new. */
async function explainer(store: Store): Promise<(components: KeyComponents) => string> {
  /** Results by what they have in common with all that differ from them in one thing alone. */
  const byAllButOne = new Map<string, Flat>();
  const byKind = new Map<string, Flat[]>();
  for await (const { components } of store.records()) {
    const flat = flatten(components);
    for (const id of allButOne(components.kind, flat)) byAllButOne.set(id, flat);
    const same = byKind.get(components.kind) ?? [];
    byKind.set(components.kind, same);
    if (same.length < mostCompared) same.push(flat);
  }
  return (components) => {
    const flat = flatten(components);
    for (const id of allButOne(components.kind, flat)) {
      const near = byAllButOne.get(id);
      if (near) return say(differences(flat, near));
    }
    const known = byKind.get(components.kind);
    if (!known) return 'no such task was ever run';
    return say(
      known.map((other) => differences(flat, other)).reduce((a, b) => (b.length < a.length ? b : a)),
    );
  };
}

/** Results that differ in more than one thing are compared with so many. */
const mostCompared = 100;

type Flat = ReadonlyMap<string, string>;

function flatten({ params, inputs, versions }: KeyComponents): Flat {
  return new Map([
    ...Object.entries((params ?? {}) as Record<string, Json>).map(
      ([k, v]) => [k, JSON.stringify(v)] as const,
    ),
    ...Object.entries(inputs).map(([k, v]) => [`input ${k}`, v.join()] as const),
    ...Object.entries(versions).map(([k, v]) => [`version of ${k}`, v] as const),
  ]);
}

function allButOne(kind: string, flat: Flat): string[] {
  const entries = [...flat].map(([name, value]) => [name, digestOfText(value)]);
  return entries.map(([left]) =>
    digestOfText(canonicalJson([kind, left!, Object.fromEntries(entries.filter(([name]) => name !== left))])),
  );
}

function differences(now: Flat, then: Flat): string[] {
  return [...new Set([...now.keys(), ...then.keys()])]
    .filter((name) => now.get(name) !== then.get(name))
    .map((name) =>
      name.startsWith('input ')
        ? name
        : `${name} ${now.get(name) ?? 'absent'} (was ${then.get(name) ?? 'absent'})`,
    );
}

const say = (found: readonly string[]) =>
  found.length === 0 ? 'its result was lost' : `new: ${found.join(', ')}`;
