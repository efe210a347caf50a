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
import type { Kind } from './kind.js';
import { countOfMultiples } from './ranges.js';
import type { ActionRecord } from './store/record.js';
import type { Store } from './store/store.js';

/** What a run would do with a task, or with shards that follow each other, and why. */
export interface Planned {
  readonly kind: Kind;
  readonly title: string;
  /** How many tasks that is. */
  readonly count: number;
  /** Of a single task that is in the store. */
  readonly record?: ActionRecord;
  readonly found: boolean;
  /** Why it would be computed. */
  readonly why?: string;
}

/** Shards of one kind that are looked up one by one; of more, what no note says is finished counts as not there. */
const mostLookedUp = 4_096;

/** What it waits for. */
class Waits extends Error {}

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

  /** The record of a task, or why there is none. */
  const find = async (task: Task): Promise<ActionRecord | string> => {
    try {
      const noted = notedKeyOf(task);
      const components = noted === undefined ? await componentsOf(task) : undefined;
      const found = await store.lookup(noted ?? keyOf(components!), task.kind.outputs);
      if (found) {
        records.set(task.id, found.record);
        return found.record;
      }
      if (!explain || !components) return 'not in the store';
      nearest ??= explainer(store);
      return (await nearest)(components);
    } catch (error) {
      return whyNot(error);
    }
  };

  const planShards = async (shards: Shards): Promise<Planned[]> => {
    const { kind, ranges } = shards;
    let expansion: Expansion;
    try {
      expansion = await expand(shards);
    } catch (error) {
      const upstream = Object.values(shards.inputs)
        .flat()
        .find((input) => 'each' in input);
      const like = upstream ? upstream.each : shards;
      const count = like.ranges.reduce((sum, range) => sum + countOfMultiples(range, like.size), 0);
      return [{ kind, title: spanTitle(shards, ranges), count, found: false, why: whyNot(error) }];
    }
    const planned: Planned[] = [];
    if (expansion.count > mostLookedUp) {
      const finished = await countFinished(shards, expansion);
      const rest = expansion.count - finished;
      if (finished > 0)
        planned.push({ kind, title: `${shards.title}, finished`, count: finished, found: true });
      if (rest > 0)
        planned.push({
          kind,
          title: spanTitle(shards, ranges),
          count: rest,
          found: false,
          why: 'not in the store',
        });
      return planned;
    }
    let run:
      | { first: number; last: number; count: number; found: boolean; why?: string; record?: ActionRecord }
      | undefined;
    const flush = () => {
      if (!run) return;
      const { first, last, count, found, why, record } = run;
      const title = titleOf(shards, [first, last]);
      planned.push({
        kind,
        title,
        count,
        found,
        ...(why !== undefined && { why }),
        ...(count === 1 && record && { record }),
      });
      run = undefined;
    };
    for (const task of expansion.tasks()) {
      for (const input of Object.values(task.inputs).flat()) {
        if (!('task' in input)) continue;
        // the shard that a slice is cut from is there already; any other task is what this range alone needs
        if (input.task.shards) await find(input.task);
        else await planTask(input.task);
      }
      const [first, last] = task.range!;
      const outcome = await find(task);
      const found = typeof outcome !== 'string';
      if (run && run.last + 1 === first && run.found === found && task.kind === kind) {
        run.last = last;
        run.count++;
        continue;
      }
      flush();
      run = { first, last, count: 1, found, ...(found ? { record: outcome } : { why: outcome }) };
      if (task.kind === kind) continue;
      planned.push({
        kind: task.kind,
        title: titleOf(shards, [first, last]),
        count: 1,
        found,
        ...(found ? { record: outcome } : { why: outcome }),
      });
      run = undefined;
    }
    flush();
    return planned;
  };

  /** Whole shards that notes say are finished, counted without a look at each. */
  const countFinished = async (shards: Shards, { family }: Expansion): Promise<number> => {
    const noted = await store.shards(family);
    const inside = noted.filter(([a, b]) => shards.ranges.some(([c, d]) => a >= c && b <= d));
    return inside.length;
  };

  const visited = new Set<string>();
  const planned: Planned[] = [];
  const planTask = async (task: Task): Promise<void> => {
    if (visited.has(task.id)) return;
    visited.add(task.id);
    const { kind, title } = task;
    const outcome = await find(task);
    planned.push(
      typeof outcome === 'string'
        ? { kind, title, count: 1, found: false, why: outcome }
        : { kind, title, count: 1, found: true, record: outcome },
    );
  };
  for (const node of needed(roots)) {
    if (isShards(node)) planned.push(...(await planShards(node)));
    else await planTask(node);
  }
  return planned;
}

function whyNot(error: unknown): string {
  if (error instanceof Waits) return `waits for ${error.message}`;
  return `needs a file that can't be read: ${(error as Error).message}`;
}

const spanTitle = (shards: Shards, ranges: Shards['ranges']): string =>
  titleOf(shards, [ranges[0]?.[0] ?? 0, ranges.at(-1)?.[1] ?? 0]);

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
