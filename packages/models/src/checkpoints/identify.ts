import { checkpointFault } from '../errors.js';
import type { Family, Look } from '../families/family.js';
import { publishedAt, refusedAt } from '../families/published.js';
import { familiesOf } from '../families/registry.js';
import type { OptionSource } from '../families/sources.js';

/** The families that a file or folder may be of, and what tells that there is but one. */
interface Identified {
  readonly candidates: readonly Family[];
  readonly source: OptionSource;
}

/**
 * Finds the family of a file by what it holds; where it may be of several, by what is told or by its name.
 *
 * @param told name of the family
 * @throws ModelError `E_CHECKPOINT` for another family than the file can be of, and for published files that are no denoisers
 */
export function identify(look: Look, told?: string): Identified {
  const { path } = look;
  const no = refusedAt(path);
  if (no !== undefined) throw checkpointFault(`${path}: it has the name of ${no}`, { path });
  const candidates = familiesOf(look);
  if (candidates.length === 0) return { candidates, source: 'file' };
  if (told !== undefined) {
    const meant = candidates.filter(({ name }) => name === told);
    if (meant.length > 0) return { candidates: meant, source: candidates.length > 1 ? 'spec' : 'file' };
    const possible = candidates.map(({ name }) => name).join(' or ');
    throw checkpointFault(
      `${path}: family is told as ${told}, but by its tensors it is of ${possible}: tell that, or leave family out`,
      { path, family: told, families: candidates.map(({ name }) => name) },
    );
  }
  const published = publishedAt(path)?.family;
  const named = candidates.filter(({ name }) => candidates.length > 1 && name === published);
  return named.length > 0
    ? { candidates: named, source: 'registry' }
    : { candidates, source: candidates.length > 1 ? 'asked' : 'file' };
}
