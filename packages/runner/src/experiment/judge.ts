import { type Fault, faultsIn } from '../judging/faults.js';
import type { Complain } from './grid.js';
import type { Language } from './language.js';
import { nfeSentence } from './nfe.js';
import type { Place } from './problem.js';
import type { Spec } from './schema.js';
import { type Dict, dotted, entryAt, nearestEntry, type Tree, toJs } from './tree.js';

/** A combination after its examination. */
export interface Judged {
  readonly tree: Dict;
  /** What the schema asks for, except below `bad`. */
  readonly spec: Spec;
  /** Paths that have a problem. */
  readonly bad: ReadonlySet<string>;
}

/**
 * Checks one combination against the schema, then against every rule whose keys are sound.
 *
 * @param doubtful paths that have a problem already: nothing more is said of them
 */
export function judge(
  tree: Dict,
  complain: Complain,
  { schema, rules, keys, declarations }: Pick<Language, 'schema' | 'rules' | 'keys' | 'declarations'>,
  doubtful: ReadonlySet<string> = new Set(),
): Judged {
  const spec = toJs(tree) as Spec;
  const bad = new Set(doubtful);
  for (const fault of faultsIn(spec, schema, keys)) {
    const path = dotted(tree, fault.path);
    if (!isSound([path], doubtful)) continue;
    bad.add(path);
    const isNfe = fault.at === 'key' && /^nfe$/i.test(fault.path.at(-1)!);
    const sentence = isNfe
      ? nfeSentence(toJs(nearestEntry(tree, fault.path).value), spec, declarations)
      : fault.sentence;
    for (const place of placesOf(fault, tree)) complain(place, path, sentence);
  }
  for (const rule of rules) {
    const sentence = isSound(rule.of, bad) && rule.broken(spec);
    if (!sentence) continue;
    const path = rule.at?.(spec).split('.') ?? lastLaidDown(rule.of, tree);
    complain(nearestEntry(tree, path).value.place, dotted(tree, path), sentence);
  }
  return { tree, spec, bad };
}

function placesOf({ path, at }: Fault, tree: Tree): readonly Place[] {
  const entry = entryAt(tree, path);
  if (at === 'value') return [nearestEntry(tree, path).value.place];
  return entry?.keys ?? nearestEntry(tree, path).keys.slice(0, 1);
}

/** None of the paths, nor any above it, has a problem already. */
export function isSound(paths: readonly string[], bad: ReadonlySet<string>): boolean {
  if (bad.size === 0) return true;
  const all = [...bad];
  return !paths.some((path) => all.some((one) => path === one || path.startsWith(`${one}.`)));
}

/** Of the keys that are written, the one laid down last; the first among equals. */
export function lastLaidDown(keys: readonly string[], tree: Tree): string[] {
  const written = keys.map((path) => path.split('.')).filter((path) => entryAt(tree, path));
  const layer = (path: string[]) => entryAt(tree, path)!.value.place.layer;
  return written.reduce(
    (best, path) => (layer(path) > layer(best) ? path : best),
    written[0] ?? keys[0]!.split('.'),
  );
}
