import { type Place, shown, shownKey } from './problem.js';
import { didYouMean } from './suggest.js';
import {
  type Dict,
  type Entry,
  entryAt,
  flatten,
  graft,
  type Leaf,
  type List,
  type Tree,
  toJs,
} from './tree.js';

/** Takes a problem: where, with which key, and what. */
export type Complain = (place: Place, path: string, sentence: string) => void;

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

/** Every point of the spec: the product of its grid, in the order written, or its points; without a grid itself. */
export function combinations(root: Dict, complain: Complain, gridPaths: readonly string[]): Combination[] {
  const grid = root.entries.get('grid');
  const base: Dict = { ...root, entries: new Map([...root.entries].filter(([key]) => key !== 'grid')) };
  const alone: Combination = { tree: base, settings: {}, choices: [] };
  if (grid === undefined) return [alone];
  const refuse = (sentence: string) => {
    complain(grid.value.place, 'grid', sentence);
    return [alone];
  };
  if (grid.value.kind !== 'map' || grid.value.entries.size === 0)
    return refuse(
      `found ${grid.value.kind === 'map' ? 'an empty map' : shown(toJs(grid.value))}, expected paths with lists of values, as student.num_steps: [3, 4], or points.`,
    );
  const points = grid.value.entries.get('points');
  if (points === undefined) return product(base, grid, complain, gridPaths) ?? [alone];
  if (grid.value.entries.size > 1)
    complain(
      points.keys[0]!,
      'grid.points',
      'a grid is either points or the product of paths, not both: move the paths into the points.',
    );
  return listed(base, points, complain, gridPaths) ?? [alone];
}

function product(
  base: Dict,
  grid: Entry,
  complain: Complain,
  gridPaths: readonly string[],
): Combination[] | undefined {
  const axes: { path: string; entry: Entry; list: List }[] = [];
  for (const [path, entry] of (grid.value as Dict).entries) {
    if (!isGridPath(path, entry.keys[0]!, { prefix: 'grid.', others: ['points'], gridPaths }, complain))
      continue;
    if (entry.value.kind !== 'list' || entry.value.items.length === 0)
      complain(
        entry.value.place,
        `grid.${path}`,
        entry.value.kind === 'list'
          ? 'the list is empty, so there is no point at all: give it values, or remove the path.'
          : `found ${shown(toJs(entry.value))}, expected a list of values.`,
      );
    else axes.push({ path, entry, list: entry.value });
  }
  if (axes.length === 0) return undefined;
  const total = axes.reduce((count, { list }) => count * list.items.length, 1);
  if (total > mostPoints)
    complain(
      grid.keys[0]!,
      'grid',
      `${total} points, more than the ${mostPoints} that one experiment may have: split it, or list the points that matter.`,
    );
  return Array.from({ length: total > mostPoints ? 1 : total }, (_, index) => {
    let rest = index;
    const picked = axes.toReversed().map(({ path, entry, list }) => {
      const item = list.items[rest % list.items.length]!;
      rest = Math.floor(rest / list.items.length);
      return { path, entry: { keys: entry.keys, value: item } };
    });
    return combination(base, picked.reverse(), complain);
  });
}

function listed(
  base: Dict,
  points: Entry,
  complain: Complain,
  gridPaths: readonly string[],
): Combination[] | undefined {
  const { value } = points;
  if (value.kind !== 'list' || value.items.length === 0) {
    complain(
      value.place,
      'grid.points',
      `found ${shown(toJs(value))}, expected a list of points, each a map of paths to values.`,
    );
    return undefined;
  }
  if (value.items.length > mostPoints) {
    complain(
      value.place,
      'grid.points',
      `${value.items.length} points, more than the ${mostPoints} that one experiment may have: split it.`,
    );
    return undefined;
  }
  const labels = new Map<string, Place>();
  const found = value.items.flatMap((item) => {
    if (item.kind !== 'map') {
      complain(item.place, 'grid.points', `found ${shown(toJs(item))}, expected a map of paths to values.`);
      return [];
    }
    const picked = [...item.entries]
      .filter(
        ([path, { keys }]) =>
          path !== 'label' &&
          isGridPath(path, keys[0]!, { prefix: 'grid.points.', others: ['label'], gridPaths }, complain),
      )
      .map(([path, entry]) => ({ path, entry }));
    const label = labelOf(item, labels, complain);
    const { choices, ...point } = combination(base, picked, complain);
    return [{ ...point, choices: [{ path: 'grid.points', place: item.place, value: undefined }], ...label }];
  });
  return found.length === 0 ? undefined : found;
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

function combination(
  base: Dict,
  picked: readonly { readonly path: string; readonly entry: Entry }[],
  complain: Complain,
): Combination {
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
  return {
    tree,
    settings: Object.fromEntries(settings),
    choices: picked.map(({ path, entry }) => ({ path, place: entry.value.place, value: toJs(entry.value) })),
  };
}

/** `entry` laid at a dotted path of `tree`; where something else than a map is in the way, a problem. */
export function graftOrComplain(tree: Dict, path: string, entry: Entry, complain: Complain): Dict {
  const grafted = graft(tree, segments(path), entry);
  if (grafted.kind === 'map') return grafted;
  const above = grafted.path.join('.');
  complain(
    entry.value.place,
    path,
    `${above} is ${shown(toJs(grafted.value))} here, so it has no ${path.slice(above.length + 1)}: give ${above} as a map.`,
  );
  return tree;
}

/** The keys on a dotted path; what follows `grid.` is one key. */
function segments(path: string): string[] {
  return path.startsWith('grid.') ? ['grid', path.slice('grid.'.length)] : path.split('.');
}

function isGridPath(
  path: string,
  place: Place,
  { prefix, others, gridPaths }: { prefix: string; others: readonly string[]; gridPaths: readonly string[] },
  complain: Complain,
): boolean {
  if (gridPaths.includes(path)) return true;
  const meant =
    didYouMean(path, [...gridPaths, ...others]) || '; a path is as student.num_steps or train.lr.';
  complain(
    place,
    prefix + shownKey(path),
    path === 'name'
      ? 'name is the experiment’s, the same for every point.'
      : `names no key of the spec${meant}`,
  );
  return false;
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
    .map((path) => ({ path, values: points.map(({ tree }) => valueAt(tree, path)) }))
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
    return parts.length > 0 ? parts.join(', ') : String(valueAt(tree, 'student.solver'));
  });
}

function valueAt(tree: Tree, path: string): unknown {
  const entry = entryAt(tree, path.split('.'));
  return entry && toJs(entry.value);
}
