import type { Digest, Store, StoreEntry } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import { aligned } from '../report/columns.js';
import type { Reached } from './cache-reach.js';

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

export const resultsText = (count: number): string => `${count} ${count === 1 ? 'result' : 'results'}`;

/** Bytes as people read them. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

/** A time as people read it, in two units at most. */
export function timeText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 > 0 ? ` ${minutes % 60} min` : ''}`;
  const days = Math.floor(hours / 24);
  return `${days} d${hours % 24 > 0 ? ` ${hours % 24} h` : ''}`;
}

/** How long ago something was. */
export const ageText = (at: string): string => timeText(Math.max(0, (Date.now() - Date.parse(at)) / 1000));

/** What specs reach; the code that understands them is loaded where there are some. @throws SpecError (E_SPEC) */
export async function reachedByAny(
  specs: readonly string[] | undefined,
  set: readonly string[] | undefined,
  store: Store,
): Promise<Reached[]> {
  if (!specs || specs.length === 0) return [];
  const { reachedBy } = await import('./cache-reach.js');
  return reachedBy(specs, set, store);
}

const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const times: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** A number with a unit, as an option's value. @throws RunnerError E_USAGE */
function measured(option: string, text: string, units: Readonly<Record<string, number>>, as: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(text) ?? [];
  const name = Object.keys(units).find((one) => one.toLowerCase() === unit.toLowerCase());
  if (number !== undefined && name !== undefined) return Number(number) * units[name]!;
  throw new RunnerError(
    'E_USAGE',
    `${option} is "${text}", and a number with its unit is needed, as ${as}: one of ${Object.keys(units).join(', ')}.`,
    { evidence: { option, found: text } },
  );
}

/** Bytes. @throws RunnerError E_USAGE */
export const sizeIn = (option: string, text: string): number => measured(option, text, sizes, '20GB');
/** Milliseconds. @throws RunnerError E_USAGE */
export const timeIn = (option: string, text: string): number => 1000 * measured(option, text, times, '30d');
