import { type Digest, digestOfText } from './digest.js';
import { canonicalJson, type Json } from './json.js';
import type { Kind } from './kind.js';

/** What a task's result depends on; its canonical JSON, hashed, is the task's key. */
export interface KeyComponents {
  readonly kind: string;
  readonly params: Json;
  readonly inputs: Readonly<Record<string, readonly Digest[]>>;
  /** Versions of the packages that compute the kind, and as `task` the revision of the task itself. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Versions of packages, by the names that kinds call them. */
export type Versions = Readonly<Record<string, string>>;

/** SHA-256 of the canonical JSON of everything that a task's result depends on, and nothing else. */
export function keyOf({ kind, params, inputs, versions }: KeyComponents): Digest {
  return digestOfText(canonicalJson({ kind, params, inputs, versions }));
}

/** The versions that tasks of a kind depend on. */
export function versionsOf({ name, packages, revision }: Kind, versions: Versions): Record<string, string> {
  const used: Record<string, string> = { task: String(revision) };
  for (const one of packages) {
    const version = versions[one];
    if (version === undefined) throw new Error(`${name} depends on ${one}, whose version isn't told`);
    used[one] = version;
  }
  return used;
}
