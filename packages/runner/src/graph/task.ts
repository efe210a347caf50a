import { canonicalJson, type Json } from '../json.js';
import type { SeedRange } from '../spec/seeds.js';
import { type Digest, digestOfText } from '../store/digest.js';
import { type Kind, kinds } from '../tasks/kinds.js';

/**
 * A named output of another task, or a file from outside. One that is `optional` is left out where the task has no such
 * output; another of its outputs is an input too, and stands for it.
 */
export type Input =
  | { readonly task: Task; readonly output: string; readonly optional?: true }
  | { readonly file: string };

/** One thing to compute, once. */
export interface Task {
  /** Identity within a graph: equal exactly when kind, parameters, inputs and versions are. */
  readonly id: Digest;
  readonly kind: Kind;
  /** Exactly the parameters that the result depends on. */
  readonly params: Json;
  readonly inputs: Readonly<Record<string, readonly Input[]>>;
  /** What changes speed or memory and no bit of the result. */
  readonly hints: { readonly batch?: number };
  /** For people. */
  readonly title: string;
  /** Expected cost in images through the network, for progress alone. */
  readonly work: number;
  readonly shard?: { readonly family: Digest; readonly range: SeedRange };
}

/** Versions of the workspace's packages, by short name. */
export type Versions = Readonly<Record<string, string>>;

/** The versions that a task of this kind depends on. */
export function versionsOf(kind: Kind, versions: Versions): Record<string, string> {
  const { packages, revision } = kinds[kind];
  const used: Record<string, string> = { task: String(revision) };
  for (const name of packages) used[name] = versions[name]!;
  return used;
}

export function identityOf(kind: Kind, params: Json, inputs: Task['inputs'], versions: Versions): Digest {
  const named = Object.entries(inputs)
    .filter(([, list]) => !list.some((input) => 'optional' in input))
    .map(([name, list]) => [
      name,
      list.map((input) => ('file' in input ? `file ${input.file}` : `${input.task.id} ${input.output}`)),
    ]);
  return digestOfText(
    canonicalJson({ kind, params, inputs: Object.fromEntries(named), versions: versionsOf(kind, versions) }),
  );
}

/** These tasks and all that they need, inputs first. */
export function needed(tasks: readonly Task[]): Task[] {
  const seen = new Set<Task>();
  const visit = (task: Task) => {
    if (seen.has(task)) return;
    for (const input of inputTasks(task)) visit(input);
    seen.add(task);
  };
  tasks.forEach(visit);
  return [...seen];
}

/** The tasks whose outputs a task reads. */
export function inputTasks(task: Task): Task[] {
  return Object.values(task.inputs).flatMap((list) =>
    list.flatMap((input) => ('task' in input ? [input.task] : [])),
  );
}
