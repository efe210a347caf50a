import { type Fault, faultsIn } from '../judging/faults.js';
import { type Dataset, laidOut, type NamedDataset } from './datasets.js';
import type { Complain } from './grid.js';
import type { Language } from './language.js';
import { nfeSentence } from './nfe.js';
import type { Place } from './problem.js';
import { datasetSchema, type Spec, type WrittenSpec } from './schema.js';
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
 * Checks one combination against the schema, then, its dataset laid out, against every rule whose keys are sound.
 *
 * @param doubtful paths that have a problem already: nothing more is said of them
 * @param find what the name of a dataset stands for, or why nothing
 */
export function judge(
  tree: Dict,
  complain: Complain,
  { schema, rules, keys, declarations }: Pick<Language, 'schema' | 'rules' | 'keys' | 'declarations'>,
  doubtful: ReadonlySet<string> = new Set(),
  find: (name: string) => NamedDataset | string = () => 'names no dataset.',
): Judged {
  const written = toJs(tree) as WrittenSpec;
  const bad = new Set(doubtful);
  for (const fault of faultsIn(written, schema, keys)) {
    const path = dotted(tree, fault.path);
    if (!isSound([path], doubtful)) continue;
    bad.add(path);
    const isNfe = fault.at === 'key' && /^nfe$/i.test(fault.path.at(-1)!);
    const sentence = isNfe
      ? nfeSentence(toJs(nearestEntry(tree, fault.path).value), written, declarations)
      : fault.sentence;
    for (const place of placesOf(fault, tree)) complain(place, path, sentence);
  }
  const dataset = isSound(['dataset'], bad) ? datasetOf(tree, written, find, complain) : undefined;
  if (!dataset) bad.add('dataset');
  const spec: Spec = { ...written, dataset: dataset ?? laidOut(written.dataset ?? '') };
  for (const rule of rules) {
    const sentence = isSound(rule.of, bad) && rule.broken(spec);
    if (!sentence) continue;
    const path = rule.at?.(spec).split('.') ?? lastLaidDown(rule.of, tree);
    complain(nearestEntry(tree, path).value.place, dotted(tree, path), sentence);
  }
  return { tree, spec, bad };
}

/** A dataset laid out; undefined, with a complaint, where its name is none or it has no checkpoint. */
function datasetOf(
  tree: Dict,
  { dataset }: WrittenSpec,
  find: (name: string) => NamedDataset | string,
  complain: Complain,
): Dataset | undefined {
  const name = typeof dataset === 'string' ? dataset : dataset.name;
  const { value, keys } = entryAt(tree, ['dataset'])!;
  const entry = name === undefined ? undefined : find(name);
  if (typeof entry === 'string') {
    const path = typeof dataset === 'string' ? ['dataset'] : ['dataset', 'name'];
    complain(nearestEntry(tree, path).value.place, path.join('.'), entry);
    return undefined;
  }
  const laid = laidOut(dataset, entry);
  if (laid.checkpoint !== undefined) return laid;
  const { description } = datasetSchema.properties.checkpoint;
  for (const place of value.kind === 'map' ? keys : [value.place])
    complain(
      place,
      'dataset.checkpoint',
      `missing; write the file of its network, or as name a dataset that has one. ${description}`,
    );
  return undefined;
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
