import type { MetricData, PicturesData, PointData, ReportData } from '../report-data.js';
import type { Order, Row, Wanted } from './rows.js';

/** What somebody looks at. */
export interface View extends Wanted {
  readonly isGrouped: boolean;
  readonly order: Order;
  /** Name of the metric that is plotted. */
  readonly metric: string;
  readonly cost: 'nfe' | 'trainCalls';
  /** A key that plots are cut by; '' for none. */
  readonly facet: string;
  /** What samples are looked at; nothing else is drawn by it. */
  seed: number | undefined;
  /** Whose pictures lie over each other, as `samples` numbers them. */
  over: readonly [number, number] | undefined;
}

/** What every part of the page draws from. */
export interface Page {
  readonly data: ReportData;
  readonly view: View;
  /** Rows that are looked for, in order. */
  readonly rows: readonly Row[];
  /** All of them. */
  readonly all: readonly Row[];
  readonly metric: MetricData | undefined;
  /** A colour and a symbol for each series, the same in every plot. */
  readonly looks: ReadonlyMap<string, Look>;
  change(what: Partial<View>): void;
  /** Shows all that is known of a point. */
  open(point: number): void;
}

export interface Look {
  readonly colour: string;
  readonly symbol: Symbol;
}

/** Shapes that differ without colour, too. */
const symbols = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross', 'wye', 'hexagon'] as const;
type Symbol = (typeof symbols)[number];

const colours = 8;
const others: Look = { colour: 'var(--faint)', symbol: 'circle' };

/** Series beyond as many as can be told apart look alike. `order`: those that matter most first. */
export const looksOf = (order: readonly string[]): Map<string, Look> =>
  new Map(
    order.map((name, i) => [
      name,
      i < 2 * colours
        ? {
            colour: `var(--c${i % colours})`,
            symbol: symbols[(i + Math.floor(i / colours)) % symbols.length]!,
          }
        : others,
    ]),
  );

/** The data URL of a sheet. */
export const sheetOf = ({ sheet }: PicturesData): string =>
  sheet.startsWith('#') ? document.getElementById(`sheet-${sheet.slice(1)}`)!.textContent : sheet;

/** A point with all that is known of it: in a page what is looked at of one at a time is read only then. */
export function whole(point: PointData): PointData {
  const read = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !('part' in value)) return value;
    return JSON.parse(document.getElementById(`part-${value.part}`)!.textContent);
  };
  const known = Object.fromEntries(
    Object.entries(point).map(([name, value]) => [name, read(value)]),
  ) as unknown as PointData;
  const { paths } = known;
  return paths
    ? { ...known, paths: { ...paths, teacher: read(paths.teacher) as typeof paths.teacher } }
    : known;
}
