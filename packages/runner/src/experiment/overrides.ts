import { shownKey } from '../judging/shown.js';
import { didYouMean } from '../judging/suggest.js';
import { type Complain, graftOrComplain } from './grid.js';
import type { Language } from './language.js';
import type { Place } from './problem.js';
import { readYaml } from './read-yaml.js';
import type { Dict, Entry } from './tree.js';

/** One `--set path=value` of the command line that took its place. */
interface Override {
  readonly path: string;
  readonly place: Place;
}

/**
 * The file's values with those of the command line laid on them, before the grid is applied: a grid's own values stay,
 * `grid.student.num_steps=[4]` changes them. Values are YAML.
 */
export function withOverrides(
  root: Dict,
  texts: readonly string[],
  complain: Complain,
  language: Pick<Language, 'keys'> | 'any key',
): { root: Dict; overrides: Override[] } {
  const keys = language === 'any key' ? new Map() : language.keys;
  const settable = [...keys.keys(), 'grid', 'grid.points', ...[...keys.keys()].map((path) => `grid.${path}`)];
  const overrides: Override[] = [];
  let changed = root;
  for (const text of texts) {
    const place: Place = { file: `--set ${text.replace(/\s+/g, ' ')}`, line: 0, column: 0, layer: 2 };
    const split = text.indexOf('=');
    const path = text.slice(0, Math.max(0, split)).trim();
    const value = text.slice(split + 1);
    if (split < 1 || value.trim() === '') {
      complain(place, '', 'expected path=value, as --set student.num_steps=4.');
      continue;
    }
    if (language !== 'any key' && !settable.includes(path)) {
      const meant = didYouMean(path, settable) || '; a path is as student.num_steps or train.lr.';
      complain(place, shownKey(path), `names no key of the spec${meant}`);
      continue;
    }
    const { tree, problems } = readYaml(value, () => place);
    for (const { path, sentence } of problems) complain(place, path, sentence);
    if (tree === undefined) continue;
    const entry: Entry = { keys: [place], value: tree };
    const before = changed;
    changed = graftOrComplain(before, path, entry, complain);
    if (changed !== before) overrides.push({ path, place });
  }
  return { root: changed, overrides };
}
