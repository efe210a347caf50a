import { type Keys, knownAs } from '../judging/json-schema.js';
import { shownKey } from '../judging/shown.js';
import { didYouMean } from '../judging/suggest.js';
import { type Complain, graftOrComplain, stepsOf } from './grid.js';
import type { Language } from './language.js';
import type { Place } from './problem.js';
import { readYaml } from './read-yaml.js';
import { type Dict, entryAt, prune, treeOf, writtenIn } from './tree.js';

/** What an option of a command gives a key. */
export interface Told {
  readonly path: string;
  readonly value: unknown;
  /** The option as it was typed, for messages. */
  readonly option: string;
  /** Keys that mean nothing beside it, whether they are there or not. */
  readonly inPlaceOf?: readonly string[];
}

/** One `--set path=value` of the command line, or another option of it, that took its place. */
interface Override {
  readonly path: string;
  readonly place: Place;
}

/**
 * The file's values with those of the command line laid on them, before the grid is applied: a grid's own values stay,
 * `grid.student.num_steps=[4]` changes them. Values are YAML; maps are merged; `path=null` takes a key away, `grid=` the
 * grid: of other keys nothing is what a variable of a shell was that isn't set. One that has no effect, as where a later one
 * replaces it, is a problem. `told`: what other options give, which come first.
 *
 * `beneath`: where the grid gives keys of a map in whose place the command line has another value, as those of `train` under
 * `train=false`.
 */
export function withOverrides(
  root: Dict,
  { told = [], set = [] }: { readonly told?: readonly Told[]; readonly set?: readonly string[] | undefined },
  complain: Complain,
  language: Pick<Language, 'keys'> | 'any key',
): { root: Dict; overrides: Override[]; beneath: Override[] } {
  const keys: Keys = language === 'any key' ? new Map() : language.keys;
  const settable = [...keys.keys(), 'grid', 'grid.points', ...[...keys.keys()].map((path) => `grid.${path}`)];
  const laid: (Override & { readonly removes: boolean })[] = [];
  let changed = root;
  for (const { path, value, option, inPlaceOf = [] } of told) {
    const place: Place = { file: option, line: 0, column: 0, layer: 2 };
    for (const other of inPlaceOf.map(stepsOf))
      if (entryAt(changed, other)) changed = prune(changed, other) ?? changed;
    const before = changed;
    changed = graftOrComplain(before, path, { keys: [place], value: treeOf(value, place) }, complain);
    if (changed !== before) laid.push({ path, place, removes: false });
  }
  for (const text of set) {
    const place: Place = { file: `--set ${text.replace(/\s+/g, ' ')}`, line: 0, column: 0, layer: 2 };
    const split = text.indexOf('=');
    const path = text.slice(0, Math.max(0, split)).trim();
    const given = text.slice(split + 1).trim();
    const value = given === '' && path === 'grid' ? 'null' : given;
    if (split < 1 || value === '') {
      complain(
        place,
        '',
        'expected path=value, as --set student.num_steps=4; --set path=null takes a key away.',
      );
      continue;
    }
    if (language !== 'any key' && !settable.includes(path)) {
      const known = knownAs(path, keys);
      const meant =
        (known === undefined ? didYouMean(path, settable) : `; it is ${known} here.`) ||
        '; a path is as student.num_steps or train.lr.';
      complain(place, shownKey(path), `names no key of the spec${meant}`);
      continue;
    }
    const { tree, problems } = readYaml(value, () => place);
    for (const { path, sentence } of problems) complain(place, path, sentence);
    if (tree === undefined) continue;
    const before = changed;
    const removes = tree.kind === 'leaf' && tree.value === null;
    if (removes) changed = prune(before, stepsOf(path)) ?? before;
    else changed = graftOrComplain(before, path, { keys: [place], value: tree }, complain);
    if (changed !== before) laid.push({ path, place, removes });
    else if (removes) complain(place, path, 'takes nothing away, for it is not there.');
  }
  const effective = new Set(writtenIn(changed));
  const overrides = laid.filter(({ path, place, removes }, i) => {
    if (removes || effective.has(place)) return !removes;
    const later = laid.slice(i + 1).find((other) => isIn(path, other.path) || isIn(other.path, path));
    complain(
      place,
      path,
      later
        ? `changes nothing, for ${later.place.file} comes after it and replaces it: keep one of them.`
        : `an empty map changes nothing; --set ${path}=null takes it away.`,
    );
    return false;
  });
  return { root: changed, overrides, beneath: beneathIn(changed, overrides) };
}

function beneathIn(root: Dict, overrides: readonly Override[]): Override[] {
  const grid = root.entries.get('grid')?.value;
  const points = grid && entryAt(grid, ['points'])?.value;
  const given = [grid, ...(points?.kind === 'list' ? points.items : [])];
  const taken = overrides.filter(({ path }) => entryAt(root, stepsOf(path))?.value.kind !== 'map');
  return given.flatMap((map) =>
    map?.kind === 'map'
      ? [...map.entries].flatMap(([key, { keys }]) =>
          taken.some(({ path }) => key.startsWith(`${path}.`))
            ? keys.map((place) => ({ path: key, place }))
            : [],
        )
      : [],
  );
}

/** Whether a path is another one, or below it. */
const isIn = (path: string, above: string): boolean => path === above || path.startsWith(`${above}.`);
