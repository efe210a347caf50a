import { type Digest, digestOfText, isDigest } from '../digest.js';
import { canonicalJson, isMap, type Json } from '../json.js';
import { type KeyComponents, keyOf } from '../key.js';
import type { OutputNames } from '../kind.js';
import { isSigned } from './signature.js';

/** A file that a task gave, as the store's second level knows it. */
export interface Output {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Output name → what it is. */
export type Outputs = Readonly<Record<string, Output>>;

/** Where, on what and when a result was computed; in no key. */
export interface Provenance {
  readonly host: string;
  readonly node: string;
  /** What the executor computed on, without secrets. */
  readonly device: Json;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
}

/** The first level of the store: which outputs a key has, and how they came to be. */
export interface ActionRecord {
  readonly key: Digest;
  readonly components: KeyComponents;
  readonly outputs: Outputs;
  /** Small facts that the task counted; not part of any key. */
  readonly meta: Readonly<Record<string, Json>>;
  readonly provenance: Provenance;
  /** Of a record from elsewhere: the signature that it had there (`signature.ts`), or `unsigned`. */
  readonly signature?: string;
}

/** In place of a signature: a record that came from elsewhere and had none is never signed as if it were our own. */
export const unsigned = 'none';

/** Whether a record was computed here, or is signed with the secret; without a secret any is believed. */
export function isBelieved({ signature, ...record }: ActionRecord, secret: string | undefined): boolean {
  if (secret === undefined || signature === undefined) return true;
  return isSigned(`records/${record.key}`, record as unknown as Json, signature, secret);
}

/** A record as its file's text, with a digest over the rest of it, so that a changed one is noticed. */
export function formatRecord(record: ActionRecord): string {
  return `${JSON.stringify({ ...record, digest: digestOfRecord(record) }, null, 1)}\n`;
}

const digestOfRecord = (record: ActionRecord) => digestOfText(canonicalJson(record as unknown as Json));

/** The record of a key in a file's text; undefined where it is anything else, however it came to be. */
export function parseRecord(text: string, key: Digest): ActionRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMap(parsed)) return undefined;
  const { digest, ...rest } = parsed;
  if (!isRecord(rest) || rest.key !== key) return undefined;
  try {
    // Those of earlier versions have no digest: their key is that of what they say they are of.
    const sound = digest === undefined ? keyOf(rest.components) === key : digest === digestOfRecord(rest);
    return sound ? rest : undefined;
  } catch {
    return undefined; // a number without end, or nested without one
  }
}

/** Whether a record has the files that its kind promises. */
export function hasOutputs({ outputs }: ActionRecord, names: OutputNames): boolean {
  const there = Object.keys(outputs);
  return (
    there.every((name) => Object.hasOwn(names, name)) &&
    Object.entries(names).every(([name, presence]) => presence === 'optional' || there.includes(name))
  );
}

export function sameOutputs(a: Outputs, b: Outputs): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name]?.digest === b[name]?.digest);
}

function isRecord(value: Record<string, unknown>): value is Record<string, unknown> & ActionRecord {
  const { key, components, outputs, meta, provenance } = value;
  return (
    isDigest(key) &&
    isMap(components) &&
    typeof components.kind === 'string' &&
    isMap(components.inputs) &&
    Object.values(components.inputs).every((list) => Array.isArray(list) && list.every(isDigest)) &&
    isMap(components.versions) &&
    isMap(meta) &&
    isMap(provenance) &&
    isMap(outputs) &&
    Object.values(outputs).every(
      (output) => isMap(output) && isDigest(output.digest) && Number.isSafeInteger(output.size),
    )
  );
}
