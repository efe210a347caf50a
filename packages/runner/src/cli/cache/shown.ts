import type { Digest, Store, StoreEntry } from '@fewstep/taskgraph';
import { aligned } from '../../report/columns.js';
import type { Reached } from './reach.js';

/** Results of the store, together: files that several have count once. */
export interface Sum {
  readonly results: number;
  readonly bytes: number;
  /** That computing them took. */
  readonly seconds: number;
  /** When the first and the last of them was put there, ISO 8601. */
  readonly oldest?: string;
  readonly newest?: string;
  /** Of which files are not here. */
  readonly incomplete: number;
}

/** Adds up entries of the store. */
export function summing(): { add(entry: StoreEntry): void; readonly sum: Sum } {
  const seen = new Set<Digest>();
  let [results, bytes, seconds, incomplete, oldest, newest] = [0, 0, 0, 0, Infinity, -Infinity];
  return {
    add({ record, recordBytes, files, sinceMs, isWhole }) {
      results++;
      bytes += recordBytes;
      for (const { digest, size } of files) if (!seen.has(digest)) bytes += size;
      for (const { digest } of files) seen.add(digest);
      seconds += record.provenance.seconds;
      if (!isWhole) incomplete++;
      oldest = Math.min(oldest, sinceMs);
      newest = Math.max(newest, sinceMs);
    },
    get sum() {
      const at = (ms: number) => new Date(ms).toISOString();
      return {
        results,
        bytes,
        seconds,
        ...(results > 0 && { oldest: at(oldest), newest: at(newest) }),
        incomplete,
      };
    },
  };
}

/** Seconds of computing for each megabyte. */
export const costOf = ({ seconds, bytes }: Pick<Sum, 'seconds' | 'bytes'>): number =>
  bytes === 0 ? 0 : seconds / (bytes / 1e6);

/** Rows of numbers by kind, and their total below. */
export function kindTable(
  head: readonly string[],
  kinds: readonly { readonly kind: string; readonly cells: readonly string[] }[],
  total: readonly string[],
): string[] {
  const rows = [...kinds.map(({ kind, cells }) => [kind, ...cells]), ['total', ...total]];
  return aligned([['kind', ...head], ...rows], (column) => column > 0).map((row) => row.join('  ').trimEnd());
}

/** What specs reach; the code that understands them is loaded where there are some. @throws SpecError (E_SPEC) */
export async function reachedByAny(
  specs: readonly string[] | undefined,
  set: readonly string[] | undefined,
  store: Store,
): Promise<Reached[]> {
  if (!specs || specs.length === 0) return [];
  const { reachedBy } = await import('./reach.js');
  return reachedBy(specs, set, store);
}
