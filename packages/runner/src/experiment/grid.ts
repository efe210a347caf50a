import { shown, shownKey } from '../judging/shown.js';
import { didYouMean } from '../judging/suggest.js';
import type { Place } from './problem.js';
import {
  type Dict,
  type Entry,
  entryAt,
  flatten,
  graft,
  type Leaf,
  nearestEntry,
  type Tree,
  toJs,
} from './tree.js';

/** Takes a problem: where, with which key, and what. */
export type Complain = (place: Place, path: string, sentence: string) => void;

/** Takes a problem at a path of a tree: at what is written there, or else at the nearest key above it. */
export const complainAt =
  (tree: Tree, complain: Complain) =>
  (path: string, sentence: string): void =>
    complain(nearestEntry(tree, path.split('.')).value.place, path, sentence);

/** One point of the grid, merged but not yet judged. */
export interface Combination {
  readonly tree: Dict;
  /** What the grid gave it: dotted paths to values. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly label?: Leaf & { readonly value: string };
  /** What the grid laid down, by which a complaint about the whole point finds its place. */
  readonly choices: readonly Choice[];
}

interface Choice {
  readonly path: string;
  readonly place: Place;
  readonly value: unknown;
}

const mostPoints = 10_000;

/** What the points of a grid are made of. */
interface Making {
  readonly base: Dict;
  readonly complain: Complain;
  readonly gridPaths: readonly string[];
}

/** Every point of the spec: the product of its grid, in the order written, or its points; without a grid itself. */
export function combinations(root: Dict, complain: Complain, gridPaths: readonly string[]): Combination[] {
  const grid = root.entries.get('grid');
  const base: Dict = { ...root, entries: new Map([...root.entries].filter(([key]) => key !== 'grid')) };
  const made = grid ? pointsOf(grid, { base, complain, gridPaths }) : [];
  return made.length > 0 ? made : [{ tree: base, settings: {}, choices: [] }];
}

/** Those of a grid; none where it can't be read. */
function pointsOf(grid: Entry, making: Making): Combination[] {
  const { complain } = making;
  const { value } = grid;
  if (value.kind !== 'map' || value.entries.size === 0) {
    const found = value.kind === 'map' ? 'an empty map' : shown(toJs(value));
    const sentence = `found ${found}, expected paths with lists of values, as student.num_steps: [3, 4], or points.`;
    complain(value.place, 'grid', sentence);
    return [];
  }
  const points = value.entries.get('points');
  if (points === undefined) return product(value, grid.keys[0]!, making);
  if (value.entries.size > 1)
    complain(
      points.keys[0]!,
      'grid.points',
      'a grid is either points or the product of paths, not both: move the paths into the points.',
    );
  return listed(points.value, making);
}

function product(grid: Dict, place: Place, making: Making): Combination[] {
  const { complain } = making;
  const axes = pathsOf(grid, 'grid.', 'points', making).flatMap(({ path, entry: { keys, value } }) => {
    if (value.kind === 'list' && value.items.length > 0) return { path, keys, items: value.items };
    complain(
      value.place,
      `grid.${path}`,
      value.kind === 'list'
        ? 'the list is empty, so there is no point at all: give it values, or remove the path.'
        : `found ${shown(toJs(value))}, expected a list of values.`,
    );
    return [];
  });
  if (axes.length === 0) return [];
  const total = axes.reduce((count, { items }) => count * items.length, 1);
  const most = total > mostPoints ? 1 : Infinity;
  if (total > mostPoints)
    complain(
      place,
      'grid',
      `${total} points, more than the ${mostPoints} that one experiment may have: split it, or list the points that matter.`,
    );
  const all = axes.reduce<Picked[][]>(
    (before, { path, keys, items }) =>
      before.flatMap((picked) =>
        items.slice(0, most).map((value) => [...picked, { path, entry: { keys, value } }]),
      ),
    [[]],
  );
  return all.map((picked) => ({
    ...laidDown(picked, making),
    choices: picked.map(({ path, entry: { value } }) => ({ path, place: value.place, value: toJs(value) })),
  }));
}

function listed(points: Tree, making: Making): Combination[] {
  const refuse = ({ place }: Tree, sentence: string): [] => {
    making.complain(place, 'grid.points', sentence);
    return [];
  };
  if (points.kind !== 'list' || points.items.length === 0)
    return refuse(
      points,
      `found ${shown(toJs(points))}, expected a list of points, each a map of paths to values.`,
    );
  const { length } = points.items;
  if (length > mostPoints)
    return refuse(
      points,
      `${length} points, more than the ${mostPoints} that one experiment may have: split it.`,
    );
  const labels = new Map<string, Place>();
  return points.items.flatMap((item): Combination | [] => {
    if (item.kind !== 'map')
      return refuse(item, `found ${shown(toJs(item))}, expected a map of paths to values.`);
    const picked = pathsOf(item, 'grid.points.', 'label', making);
    const label = labelOf(item, labels, making.complain);
    const choices = [{ path: 'grid.points', place: item.place, value: undefined }];
    return { ...laidDown(picked, { ...making, base: beneath(item, making.base) }), choices, ...label };
  });
}

/** What the spec lays beneath a point: beneath a table of its own nothing of how the others are made. */
function beneath({ entries }: Dict, base: Dict): Dict {
  if (!entries.has('sampler')) return base;
  const making = ['schedule', 'student', 'teacher', 'train'];
  return { ...base, entries: new Map([...base.entries].filter(([key]) => !making.includes(key))) };
}

/** What a map gives to paths of the spec; complains of keys that are none. `beside`: what it may have beside them. */
function pathsOf(
  { entries }: Dict,
  prefix: string,
  beside: string,
  { complain, gridPaths }: Making,
): Picked[] {
  return [...entries].flatMap(([path, entry]) => {
    if (gridPaths.includes(path)) return { path, entry };
    if (path === beside) return [];
    const meant = didYouMean(path, [...gridPaths, beside]) || '; a path is as student.num_steps or train.lr.';
    complain(
      entry.keys[0]!,
      prefix + shownKey(path),
      path === 'name'
        ? 'name is the experiment’s, the same for every point.'
        : `names no key of the spec${meant}`,
    );
    return [];
  });
}

function labelOf(point: Dict, seen: Map<string, Place>, complain: Complain): Pick<Combination, 'label'> {
  const label = point.entries.get('label')?.value;
  if (label === undefined) return {};
  const text = toJs(label);
  if (label.kind !== 'leaf' || typeof text !== 'string' || !/^[^\p{C}]{1,100}$/u.test(text.trim())) {
    complain(label.place, 'grid.points.label', `found ${shown(text)}, expected text of 1 to 100 letters.`);
    return {};
  }
  const first = seen.get(text.trim());
  if (first)
    complain(
      label.place,
      'grid.points.label',
      `${shown(text)} is the label of another point, in line ${first.line}: a label names one.`,
    );
  seen.set(text.trim(), label.place);
  return { label: { ...label, value: text.trim() } };
}

/** What a point gives to a path. */
interface Picked {
  readonly path: string;
  readonly entry: Entry;
}

function laidDown(
  picked: readonly Picked[],
  { base, complain }: Making,
): Pick<Combination, 'tree' | 'settings'> {
  let tree = base;
  const settings = new Map<string, unknown>();
  for (const { path, entry } of picked) {
    tree = graftOrComplain(tree, path, entry, complain);
    for (const [leaf, { keys, value }] of flatten(entry, path)) {
      if (settings.has(leaf) && picked.length > 1)
        complain(keys.at(-1)!, leaf, 'this point gives it twice: remove one of them.');
      settings.set(leaf, toJs(value));
    }
  }
  return { tree, settings: Object.fromEntries(settings) };
}

/** The keys of a dotted path, where what follows `grid.` is one key. */
export const stepsOf = (path: string): string[] =>
  path.startsWith('grid.') ? ['grid', path.slice('grid.'.length)] : path.split('.');

/** `entry` laid at a dotted path of `tree`; a problem where something else than a map is in the way. */
export function graftOrComplain(tree: Dict, path: string, entry: Entry, complain: Complain): Dict {
  const steps = stepsOf(path);
  const grafted = graft(tree, steps, entry);
  if (grafted) return grafted;
  const above = steps.findIndex((_, i) => entryAt(tree, steps.slice(0, i + 1))?.value.kind !== 'map') + 1;
  const [has, rest] = [steps.slice(0, above), steps.slice(above).join('.')];
  complain(
    entry.value.place,
    path,
    `${has.join('.')} is ${shown(valueAt(tree, has))} here, so it has no ${rest}: give ${has.join('.')} as a map.`,
  );
  return tree;
}

/**
 * A short name for each point: the label given, or what the grid made it (`amed, num_steps 4`), or its student.
 *
 * Values of a path that is the same in all points are left out, so points that differ have labels that differ, unless
 * those given clash with those made.
 */
export function labelsOf(points: readonly Combination[]): string[] {
  const paths = [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
  const columns = paths
    .map((path) => ({ path, values: points.map(({ tree }) => valueAt(tree, path.split('.'))) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
  const shortNames = columns.map(({ path }) => path.split('.').at(-1)!);
  return points.map(({ tree, label }, i) => {
    if (label) return label.value;
    const parts = columns.flatMap(({ path, values }, column) => {
      const value = values[i];
      if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return [];
      if (path === 'student.solver' || path === 'dataset') return [String(value)];
      if (path === 'train') return ['plain'];
      const short = shortNames[column]!;
      const unique = shortNames.indexOf(short) === shortNames.lastIndexOf(short) && short !== 'solver';
      return [`${unique ? short : path} ${Array.isArray(value) ? value.join(' ') : value}`];
    });
    return parts.length > 0 ? parts.join(', ') : String(valueAt(tree, ['student', 'solver']));
  });
}

function valueAt(tree: Tree, path: readonly string[]): unknown {
  const entry = entryAt(tree, path);
  return entry && toJs(entry.value);
}
