import { inputTasks, type Task, type Versions } from '../graph/task.js';
import { keyOf } from '../store/key.js';
import type { ActionRecord, KeyComponents, Store } from '../store/store.js';
import { componentsOf } from './resolve.js';

/** What a run would do with a task, and why. */
export interface Planned {
  readonly task: Task;
  readonly record?: ActionRecord;
  /** Why it would be computed; undefined where it is in the store. */
  readonly why?: string;
}

/**
 * What a run would find and what it would compute, in the order of the graph, without computing anything.
 *
 * Keys are over the contents of inputs, so a task whose inputs are not computed yet counts as to compute, though it
 * may turn out to be in the store once they are.
 */
export async function plan(
  tasks: readonly Task[],
  { store, versions }: { store: Store; versions: Versions },
): Promise<Planned[]> {
  const records = new Map<Task, ActionRecord>();
  let byKind: Map<string, KeyComponents[]> | undefined;
  const planned: Planned[] = [];
  for (const task of tasks) {
    const waiting = [...new Set(inputTasks(task))].filter((input) => !records.has(input));
    if (waiting.length > 0) {
      planned.push({
        task,
        why: `waits for ${waiting[0]!.title}${waiting.length > 1 ? ` and ${waiting.length - 1} more` : ''}`,
      });
      continue;
    }
    let components: KeyComponents;
    try {
      components = await componentsOf(task, async (input) => records.get(input)!, store, versions);
    } catch (error) {
      planned.push({ task, why: `needs a file that can't be read: ${(error as Error).message}` });
      continue;
    }
    const record = await store.lookup(keyOf(components));
    if (record) {
      records.set(task, record);
      planned.push({ task, record });
    } else {
      byKind ??= await componentsByKind(store);
      planned.push({ task, why: explain(components, byKind.get(task.kind) ?? []) });
    }
  }
  return planned;
}

async function componentsByKind(store: Store): Promise<Map<string, KeyComponents[]>> {
  const byKind = new Map<string, KeyComponents[]>();
  for await (const { components } of store.records()) {
    const list = byKind.get(components.kind);
    if (list) list.push(components);
    else byKind.set(components.kind, [components]);
  }
  return byKind;
}

/** The difference to the most similar result in the store: what made this task new. */
function explain(components: KeyComponents, known: readonly KeyComponents[]): string {
  if (known.length === 0) return 'no such task was ever run';
  const nearest = known
    .map((other) => differences(components, other))
    .reduce((best, one) => (one.length < best.length ? one : best));
  return nearest.length === 0 ? 'its result was lost' : `new: ${nearest.join(', ')}`;
}

function differences(now: KeyComponents, then: KeyComponents): string[] {
  const flat = ({ params, inputs, versions }: KeyComponents) =>
    new Map([
      ...Object.entries((params ?? {}) as object).map(([k, v]) => [k, JSON.stringify(v)] as const),
      ...Object.entries(inputs).map(([k, v]) => [`input ${k}`, v.join()] as const),
      ...Object.entries(versions).map(([k, v]) => [`version of ${k}`, v] as const),
    ]);
  const [a, b] = [flat(now), flat(then)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) =>
      name.startsWith('input ')
        ? name
        : `${name} ${a.get(name) ?? 'absent'} (was ${b.get(name) ?? 'absent'})`,
    );
}
