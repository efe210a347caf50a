import { errorOfInfluences } from '@fewstep/metrics';
import { halfWidthOf, metricsIn, repeatsOf, scoringOf } from './figures.js';
import { type Columns, halfWidths } from './intervals.js';
import type { PointReport } from './report.js';

/** A point among those that are compared. */
export interface Compared {
  /** A, B, …, as it is called in what follows. */
  readonly letter: string;
  readonly experiment: string;
  readonly point: PointReport;
}

/** What points don't share: each value, and who has it. */
export interface Differing {
  readonly key: string;
  readonly values: readonly { readonly value: unknown; readonly of: readonly string[] }[];
}

/** How much more a point has in a column than the first one. */
interface Difference {
  readonly metric: string;
  readonly of: string;
  readonly to: string;
  readonly difference: number;
  /** Half the width of its 95 % interval, where errors are known. */
  readonly half?: number;
  /**
   * `images`, `repeats`: by the differences of the same seeds, image by image or set by set, which leaves out what both have in
   * common; `none`: as of figures that know nothing of each other, which is too wide where the seeds are the same.
   */
  readonly paired: 'images' | 'repeats' | 'none';
}

/** What each image of a point adds to a column, to first order, by metric, in the order of the seeds. */
export type Influences = Readonly<Record<string, Float64Array>>;

/** Points side by side. */
export interface Comparison {
  /** Of how figures came about: where they differ, these are not of the same. */
  readonly protocol: readonly Differing[];
  readonly settings: readonly Differing[];
  /** To the first point, of columns that are scored alike. */
  readonly differences: readonly Difference[];
  /** Columns that a point and the first have, and which are scored by different protocols. */
  readonly incomparable: readonly { readonly metric: string; readonly of: string }[];
}

/**
 * Points held against the first of them.
 *
 * - `influencesOf`: of a point what its images add to its figures, where they are there.
 */
export async function compared(
  points: readonly Compared[],
  influencesOf: (one: Compared) => Promise<Influences> = async () => ({}),
): Promise<Comparison> {
  const [first, ...others] = points as [Compared, ...Compared[]];
  const differences: Difference[] = [];
  const incomparable: { metric: string; of: string }[] = [];
  const own = others.length > 0 ? await influencesOf(first) : {};
  for (const one of others) {
    const influences = isSameDraw(one.point, first.point) ? await influencesOf(one) : {};
    for (const metric of metricsIn([first.point, one.point])) {
      const [a, b] = [first.point.metrics[metric], one.point.metrics[metric]];
      if (a === undefined || b === undefined || !Number.isFinite(b - a)) continue;
      if (scoringOf(first.point, metric) !== scoringOf(one.point, metric)) {
        incomparable.push({ metric, of: one.letter });
        continue;
      }
      const sure =
        pairedByImages(own[metric], influences[metric]) ??
        pairedByRepeats(first.point, one.point, metric) ??
        unpaired(first.point, one.point, metric);
      differences.push({ metric, of: one.letter, to: first.letter, difference: b - a, ...sure });
    }
  }
  return {
    protocol: differing(points, ({ point }) => protocolOf(point)),
    settings: differing(points, ({ point }) => point.settings),
    differences,
    incomparable,
  };
}

/** Whether two points are of the same noise and classes, seed by seed, so that differences of their images mean something. */
function isSameDraw(a: PointReport, b: PointReport): boolean {
  const drawn = ({ protocol }: PointReport) =>
    protocol && JSON.stringify([protocol.seeds, protocol.rng, protocol.classes, protocol.model?.sha256]);
  return drawn(a) !== undefined && drawn(a) === drawn(b);
}

function pairedByImages(
  a: Float64Array | undefined,
  b: Float64Array | undefined,
): Pick<Difference, 'half' | 'paired'> | undefined {
  if (!a || !b || a.length !== b.length || a.length < 2) return undefined;
  return { half: halfWidths() * errorOfInfluences(a.map((value, i) => b[i]! - value)), paired: 'images' };
}

function pairedByRepeats(
  a: PointReport,
  b: PointReport,
  metric: string,
): Pick<Difference, 'half' | 'paired'> | undefined {
  const [those, these] = [a.repeats ?? [], b.repeats ?? []];
  const isSame = those.length > 1 && those.every(({ seeds }, i) => seeds === these[i]?.seeds);
  if (!isSame || those.length !== these.length || !isSameDraw(a, b)) return undefined;
  const value = (one: { readonly metrics: Columns }) => one.metrics[metric] ?? Number.NaN;
  const each = Float64Array.from(those, (one, i) => value(these[i]!) - value(one));
  const error = errorOfInfluences(each);
  return Number.isFinite(error) ? { half: halfWidths(each.length) * error, paired: 'repeats' } : undefined;
}

function unpaired(a: PointReport, b: PointReport, metric: string): Pick<Difference, 'half' | 'paired'> {
  const halves = [a, b].map((point) => halfWidthOf(point, metric, repeatsOf(point)));
  const isKnown = halves.every((half) => half !== undefined && Number.isFinite(half));
  return { ...(isKnown && { half: Math.hypot(...(halves as number[])) }), paired: 'none' };
}

/** What of a protocol is the sampler's own, and told by its settings. */
const ofSampler = new Set(['nfe', 'afs', 'denoiseToZero', 'thresholding', 'predictor', 'sampler']);

/** How a point's figures came about, by dotted paths. */
function protocolOf({ protocol, realImages }: PointReport): Readonly<Record<string, unknown>> {
  if (!protocol) return {};
  const { devices, model, ...others } = protocol;
  const told = Object.entries(others).filter(([key]) => !ofSampler.has(key));
  const kinds = Object.entries(devices).map(([what, used]) => [
    `device of ${what}`,
    [...new Set((Array.isArray(used) ? used : []).map(({ device }) => JSON.stringify(device)))].sort(),
  ]);
  return {
    ...Object.fromEntries(leavesOf(Object.fromEntries(told))),
    ...(model && { model: `${model.file} (${String(model.sha256).slice(0, 12)})` }),
    ...(realImages !== undefined && { 'real images': realImages }),
    ...Object.fromEntries(kinds),
  };
}

function leavesOf(map: object, above = ''): [path: string, value: unknown][] {
  return Object.entries(map).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leavesOf(value, `${above}${key}.`)
      : [[above + key, value]],
  );
}

/** Of facts those that not all points have alike, in the order in which they come up. */
function differing(
  points: readonly Compared[],
  factsOf: (one: Compared) => Readonly<Record<string, unknown>>,
): Differing[] {
  const facts = points.map((one) => ({ letter: one.letter, of: factsOf(one) }));
  const keys = [...new Set(facts.flatMap(({ of }) => Object.keys(of)))];
  return keys.flatMap((key) => {
    const values = new Map<string | undefined, { value: unknown; of: string[] }>();
    for (const { letter, of } of facts) {
      const value = Object.hasOwn(of, key) ? of[key] : undefined;
      const text = JSON.stringify(value);
      const known = values.get(text) ?? { value: value ?? null, of: [] };
      known.of.push(letter);
      values.set(text, known);
    }
    return values.size > 1 ? [{ key, values: [...values.values()] }] : [];
  });
}

/** A, B, …, Z, AA, … */
export function letterOf(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : letterOf(Math.floor(index / 26) - 1) + letter;
}
