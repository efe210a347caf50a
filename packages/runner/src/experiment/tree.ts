import { shownKey } from '../judging/shown.js';
import type { Place } from './problem.js';

/**
 * A value together with where each part of it was written, so that values from the file, its grid and the command
 * line can be merged and every later complaint still finds its place.
 */
export type Tree = Leaf | List | Dict;

export interface Leaf {
  readonly kind: 'leaf';
  readonly value: null | boolean | number | string;
  readonly place: Place;
}

interface List {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly place: Place;
}

export interface Dict {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
}

export interface Entry {
  /** Every place that wrote the key: several when maps were merged. */
  readonly keys: readonly Place[];
  readonly value: Tree;
}

/** `over` laid on `base`: maps merge key by key, anything else replaces. */
function merge(base: Entry | undefined, over: Entry): Entry {
  if (base?.value.kind !== 'map' || over.value.kind !== 'map') return over;
  const entries = new Map(base.value.entries);
  for (const [key, entry] of over.value.entries) entries.set(key, merge(entries.get(key), entry));
  return { keys: [...base.keys, ...over.keys], value: { ...base.value, entries } };
}

/**
 * `entry` laid at `path` below `base`; maps on the way are made where there is nothing. Undefined where something else than a
 * map is in the way.
 */
export function graft(base: Dict, path: readonly string[], entry: Entry): Dict | undefined {
  const [key, ...rest] = path as [string, ...string[]];
  const there = base.entries.get(key);
  const below = there?.value ?? { kind: 'map', entries: new Map(), place: entry.value.place };
  const value = rest.length > 0 && below.kind === 'map' ? graft(below, rest, entry) : undefined;
  if (rest.length > 0 && !value) return undefined;
  const laid = value ? { keys: there?.keys ?? entry.keys, value } : merge(there, entry);
  return { ...base, entries: new Map(base.entries).set(key, laid) };
}

/** Where each value was written that is no map of others. */
export function* writtenIn(tree: Tree): Generator<Place> {
  const below = tree.kind === 'map' ? [...tree.entries.values()].map(({ value }) => value) : [];
  if (below.length === 0) yield tree.place;
  for (const value of tree.kind === 'list' ? tree.items : below) yield* writtenIn(value);
}

/** `base` without what is at `path`, nor maps that are empty then. Undefined where nothing is there. */
export function prune(base: Dict, path: readonly string[]): Dict | undefined {
  const [key, ...rest] = path as [string, ...string[]];
  const there = base.entries.get(key);
  if (!there) return undefined;
  const entries = new Map(base.entries);
  if (rest.length > 0) {
    const value = there.value.kind === 'map' ? prune(there.value, rest) : undefined;
    if (!value) return undefined;
    entries.set(key, { ...there, value });
    if (value.entries.size > 0) return { ...base, entries };
  }
  entries.delete(key);
  return { ...base, entries };
}

/** `base` without the entries that were written at some places alone, nor maps that are empty then; undefined where there are none. */
export function without(base: Dict, places: ReadonlySet<Place>): Dict | undefined {
  let isSame = true;
  const kept = (tree: Tree): Tree => {
    if (tree.kind === 'leaf') return tree;
    if (tree.kind === 'list') return { ...tree, items: tree.items.map(kept) };
    const entries = [...tree.entries].flatMap(([key, { keys, value }]): [string, Entry][] => {
      const below = keys.every((place) => places.has(place)) ? undefined : kept(value);
      const isGone = !below || (isEmpty(below) && !isEmpty(value));
      isSame &&= !isGone;
      return isGone ? [] : [[key, { keys, value: below }]];
    });
    return { ...tree, entries: new Map(entries) };
  };
  const rest = kept(base) as Dict;
  return isSame ? undefined : rest;
}

const isEmpty = (tree: Tree) => tree.kind === 'map' && tree.entries.size === 0;

/** The bare value. Keys such as __proto__ become plain own keys. */
export function toJs(tree: Tree): unknown {
  switch (tree.kind) {
    case 'leaf':
      return tree.value;
    case 'list':
      return tree.items.map(toJs);
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, toJs(value)]));
  }
}

/** Plain data as if all of it were written at one place. */
export function treeOf(value: unknown, place: Place): Tree {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => treeOf(item, place)), place };
  if (typeof value !== 'object' || value === null)
    return { kind: 'leaf', value: value as Leaf['value'], place };
  const entries = Object.entries(value).map(([key, below]): [string, Entry] => [
    key,
    { keys: [place], value: treeOf(below, place) },
  ]);
  return { kind: 'map', entries: new Map(entries), place };
}

/** What is written at `path` (keys, and indexes of lists); undefined where nothing is. */
export function entryAt(tree: Tree, path: readonly string[]): Entry | undefined {
  let entry: Entry | undefined = { keys: [tree.place], value: tree };
  for (const step of path) {
    const value: Tree = entry.value;
    if (value.kind === 'map') entry = value.entries.get(step);
    else if (value.kind === 'list') {
      const item: Tree | undefined = value.items[Number(step)];
      entry = item && { keys: [item.place], value: item };
    } else return undefined;
    if (entry === undefined) return undefined;
  }
  return entry;
}

/** The path as people write it: keys joined by dots, without the indexes of lists. */
export function dotted(tree: Tree, path: readonly string[]): string {
  return path
    .filter((_, i) => i === 0 || entryAt(tree, path.slice(0, i))?.value.kind !== 'list')
    .map(shownKey)
    .join('.');
}

/** What is written at `path`, or else at the nearest key above it. */
export function nearestEntry(tree: Tree, path: readonly string[]): Entry {
  for (let length = path.length; length > 0; length--) {
    const entry = entryAt(tree, path.slice(0, length));
    if (entry) return entry;
  }
  return { keys: [tree.place], value: tree };
}

/** The leaves and lists below a map by their dotted paths, in order; itself under `prefix` when it is none. */
export function flatten(entry: Entry, prefix: string): [path: string, Entry][] {
  if (entry.value.kind !== 'map') return [[prefix, entry]];
  return [...entry.value.entries].flatMap(([key, below]) =>
    flatten(below, prefix === '' ? key : `${prefix}.${key}`),
  );
}
