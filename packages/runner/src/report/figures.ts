import { scoreOf } from '../scores/scores.js';
import { type Columns, columnOfError, errorOf, halfWidths } from './intervals.js';
import type { PointReport } from './report.js';

/** What has figures: a point, or several together. */
interface Figures {
  readonly metrics: Columns;
}

/** The columns that are shown: a standard error stands in that of its figure. */
export function metricsIn(those: readonly Figures[]): string[] {
  const found = [...new Set(those.flatMap(({ metrics }) => Object.keys(metrics)))];
  return found.filter((column) => !found.includes(columnOfError(column) ?? ''));
}

/** How often a point's scores are repeated. */
export const repeatsOf = ({ repeats }: PointReport): number => repeats?.length ?? 1;

/** Half the width of a figure's 95 % interval, where its error is known; `repeats`: what that is from, if not from one. */
export function halfWidthOf({ metrics }: Figures, metric: string, repeats: number): number | undefined {
  const error = metrics[errorOf(metric)];
  return error === undefined || metrics[metric] === undefined ? undefined : halfWidths(repeats) * error;
}

/** A column as text, each figure with half the width of its interval where it has one, digits below digits. */
export function columnText<F extends Figures>(
  those: readonly F[],
  metric: string,
  { digits, repeatsOf }: { readonly digits: number; repeatsOf(one: F): number },
): string[] {
  const halves = those.map((one) => halfWidthOf(one, metric, repeatsOf(one)));
  const narrowest = Math.min(...halves.flatMap((half) => (half ? [half] : [])));
  // so many that the narrowest interval is not 0, within reason
  const needed = narrowest < Infinity ? Math.ceil(-Math.log10(narrowest)) : 0;
  const shown = Math.min(Math.max(digits, needed), digits + 3);
  const texts = halves.map((half) => half?.toFixed(shown) ?? '');
  const width = Math.max(...texts.map((text) => text.length));
  return those.map(({ metrics }, i) => {
    const value = format(metrics[metric], shown);
    if (width === 0 || metrics[metric] === undefined) return value;
    return value + (texts[i] === '' ? ' '.repeat(3 + width) : ` ± ${texts[i]!.padStart(width)}`);
  });
}

/** A figure among those that it is compared with. */
interface Compared<T> {
  readonly of: T;
  readonly value: number;
  readonly half: number;
  /** Only those of the same are compared. */
  readonly likeness: string;
}

/** The best of those that are alike, and with it all whose difference to it their intervals allow for. */
export function ranksOf<T>(
  those: readonly Compared<T>[],
  best: 'lowest' | 'highest',
): { readonly best: T; readonly alike: readonly T[] }[] {
  const groups = new Map<string, Compared<T>[]>();
  for (const one of those) {
    const same = groups.get(one.likeness);
    if (same) same.push(one);
    else groups.set(one.likeness, [one]);
  }
  return [...groups.values()].map((group) => {
    const first = group.reduce((a, b) =>
      (best === 'lowest' ? b.value < a.value : b.value > a.value) ? b : a,
    );
    const near = group.filter(
      ({ value, half }) => Math.abs(value - first.value) <= Math.hypot(half, first.half),
    );
    return { best: first.of, alike: near.flatMap(({ of }) => (of === first.of ? [] : [of])) };
  });
}

/**
 * The best point of those that cost as much and are scored alike, and all whose difference to it their intervals allow for;
 * nothing where it stands alone.
 */
export function alikeBest(points: readonly PointReport[], metric: string): ReadonlySet<PointReport> {
  const direction = scoreOf(metric)?.best;
  if (direction === undefined) return new Set();
  const compared = points.flatMap((point) => {
    const half = halfWidthOf(point, metric, repeatsOf(point));
    const value = point.metrics[metric];
    if (half === undefined || value === undefined) return [];
    return [{ of: point, value, half, likeness: likenessOf(point, metric) }];
  });
  const ranks = ranksOf(compared, direction);
  return new Set(ranks.flatMap(({ best, alike }) => (alike.length > 0 ? [best, ...alike] : [])));
}

/** What must be the same for figures of a column to be ranked: what a sample costs, and how it is scored. */
export function likenessOf(point: PointReport, metric: string): string {
  const { nfe, forwards } = point;
  return JSON.stringify([nfe, forwards, scoringOf(point, metric)]);
}

/** How a figure of a column came about: figures that differ in that are not compared. */
export function scoringOf({ images, realImages, protocol }: PointReport, metric: string): string {
  const score = scoreOf(metric);
  return JSON.stringify([images, realImages, score && protocol?.scores[score.name]]);
}

/** A number of so many digits; a dash where there is none. */
export function format(value: number | undefined, digits: number): string {
  if (value === undefined) return '–';
  return value === Infinity ? '∞' : value.toFixed(digits);
}
