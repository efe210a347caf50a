import { type Digest, isDigest } from './digest.js';
import { isMap, type Json } from './json.js';
import { keyOf } from './key.js';
import type { Hints } from './kind.js';
import { mapValues } from './maps.js';

/** A task as plain data: its key and what that is made of. `I` is what is said of a file that it reads. */
export interface KeyedTask<I extends { readonly digest: Digest }> {
  readonly key: Digest;
  readonly kind: string;
  readonly params: Json;
  /** Of what computes it. */
  readonly versions: Readonly<Record<string, string>>;
  readonly hints: Hints;
  readonly inputs: Readonly<Record<string, readonly I[]>>;
}

/** Whether a value that came from elsewhere is such a task, and its key that of what it says. */
export function isKeyedTask<I extends { readonly digest: Digest }>(
  value: unknown,
  isInput: (one: unknown) => one is I,
): value is KeyedTask<I> {
  if (!isMap(value)) return false;
  const { key, kind, params, versions, hints, inputs } = value;
  const isOne =
    isDigest(key) &&
    typeof kind === 'string' &&
    params !== undefined &&
    isMap(versions) &&
    Object.values(versions).every((version) => typeof version === 'string') &&
    isMap(hints) &&
    isMap(inputs) &&
    Object.values(inputs).every((list) => Array.isArray(list) && list.every(isInput));
  if (!isOne) return false;
  const task = value as unknown as KeyedTask<I>;
  const digests = mapValues(task.inputs, (list) => list.map(({ digest }) => digest));
  try {
    return keyOf({ kind, params: task.params, inputs: digests, versions: task.versions }) === key;
  } catch {
    return false; // nested without end
  }
}
