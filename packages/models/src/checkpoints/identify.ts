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
  if (no !== undefined) throw checkpointFault(`it has the name of ${no}`);
  const candidates = familiesOf(look);
  if (candidates.length === 0) return { candidates, source: 'file' };
  if (told !== undefined) {
    const meant = candidates.filter(({ name }) => name === told);
    if (meant.length > 0) return { candidates: meant, source: candidates.length > 1 ? 'spec' : 'file' };
    const possible = candidates.map(({ name }) => name).join(' or ');
    throw checkpointFault(
      `family is told as ${told}, but by its tensors it is of ${possible}: tell that, or leave family out`,
      { family: told, families: candidates.map(({ name }) => name) },
    );
  }
  const published = publishedAt(path)?.family;
  const named = candidates.filter(({ name }) => candidates.length > 1 && name === published);
  return named.length > 0
    ? { candidates: named, source: 'registry' }
    : { candidates, source: candidates.length > 1 ? 'asked' : 'file' };
}

/** @throws ModelError `E_CHECKPOINT` for options that the family doesn't have */
export function checkNames({ what, options }: Family, told: object): void {
  const known = Object.keys(options);
  const strange = Object.keys(told).filter((name) => !known.includes(name));
  if (strange.length > 0)
    throw checkpointFault(
      `nothing reads ${strange.join(', ')}, for it is ${what} checkpoint, which ${
        known.length > 0 ? `has ${known.join(', ')} to tell` : 'tells everything itself'
      }`,
      { strange },
    );
}
