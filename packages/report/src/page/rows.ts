import type { GroupData, MetricData, ReportData } from '../report-data.js';
import { settingText } from './format.js';

/** A line of the table and a dot of the plots: a point, or points that differ in a seed alone. */
export type Row = GroupData;

/** What is looked for: words of labels and settings, and of each key that varies one value. */
export interface Wanted {
  readonly text: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface Order {
  /** `label`, `nfe`, `trainCalls`, `n`, `metric:NAME` or `key:PATH`. */
  readonly by: string;
  readonly falls: boolean;
}

/** What a table of points, or of points by all but their seeds, has in its lines; of several experiments that is a key, too. */
export function rowsOf({ points, groups }: ReportData, isGrouped: boolean): Row[] {
  const rows: Row[] = isGrouped ? [...groups] : points.map((point, i) => ({ ...point, points: [i] }));
  if (points.every(({ experiment }) => experiment === points[0]!.experiment)) return rows;
  return rows.map((row) => {
    const { experiment } = points[row.points[0]!]!;
    return { ...row, settings: { experiment, ...row.settings } };
  });
}

/** Keys that vary, each with its values in order; keys that some lack have "–" there. */
export function varyingKeys(rows: readonly Row[]): Map<string, string[]> {
  const keys = new Set(rows.flatMap(({ settings }) => Object.keys(settings)));
  const found = new Map<string, string[]>();
  for (const key of keys) {
    const values = new Map(rows.map(({ settings }) => [settingText(settings[key]), settings[key]]));
    if (values.size > 1)
      found.set(
        key,
        [...values].sort(([, a], [, b]) => compared(a, b)).map(([text]) => text),
      );
  }
  return found;
}

export function wantedOf(rows: readonly Row[], { text, values }: Wanted): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.entries(values).filter(([, value]) => value !== '');
  return rows.filter((row) => {
    if (!wanted.every(([key, value]) => settingText(row.settings[key]) === value)) return false;
    if (words.length === 0) return true;
    const said = [
      row.label,
      ...Object.entries(row.settings).map(([key, value]) => `${key} ${settingText(value)}`),
    ]
      .join('\n')
      .toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** In order; what has no value comes last either way, and what is equal stays as it is. */
export function sorted(rows: readonly Row[], { by, falls }: Order): Row[] {
  const valueIn = (row: Row): unknown => {
    if (by === 'label') return row.label;
    if (by === 'nfe') return row.nfe;
    if (by === 'trainCalls') return row.trainCalls;
    if (by === 'n') return row.points.length;
    if (by.startsWith('metric:')) {
      const figure = row.figures[by.slice('metric:'.length)];
      return figure && (figure.value ?? Infinity);
    }
    return row.settings[by.slice('key:'.length)];
  };
  return rows
    .map((row) => ({ row, value: valueIn(row) }))
    .sort(({ value: a }, { value: b }) => {
      if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
      return falls ? compared(b, a) : compared(a, b);
    })
    .map(({ row }) => row);
}

/** Numbers by size, before texts. */
function compared(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  return settingText(a).localeCompare(settingText(b), 'en', { numeric: true });
}

/** Of rows that cost `x` and come to a figure, those that none is better than at no higher cost. */
export function paretoFront<T extends { readonly x: number; readonly y: number }>(
  those: readonly T[],
  best: 'lowest' | 'highest',
): T[] {
  const sign = best === 'lowest' ? 1 : -1;
  let least = Infinity;
  return [...those]
    .sort((a, b) => a.x - b.x || sign * (a.y - b.y))
    .filter(({ y }) => {
      if (sign * y >= least) return false;
      least = sign * y;
      return true;
    });
}

/** At each cost the best, and what its interval can't tell from it, as the data says. */
export function bestByCost(
  rows: readonly Row[],
  { name }: MetricData,
): { nfe: number; best: Row; alike: Row[] }[] {
  const ranked = rows.filter(({ nfe, figures }) => nfe !== undefined && figures[name]?.rank);
  const costs = [...new Set(ranked.map(({ nfe }) => nfe!))].sort((a, b) => a - b);
  return costs.flatMap((nfe) => {
    const same = ranked.filter((row) => row.nfe === nfe);
    const bests = same.filter(({ figures }) => figures[name]!.rank === 'best');
    // where some are scored otherwise than others each kind has its best, and nothing says which are alike to which
    return bests.map((best) => ({
      nfe,
      best,
      alike: bests.length > 1 ? [] : same.filter((row) => row !== best),
    }));
  });
}
