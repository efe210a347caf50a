import { canonicalJson, type Json } from '@fewstep/taskgraph';
import type { Point } from '../experiment/experiment.js';
import { type Columns, overRepeats } from './intervals.js';

/** Points that differ in `train.seed` alone: how figures vary from training to training, on the same images. */
export interface OverTrainings {
  /** What their labels have in common. */
  readonly label: string;
  readonly points: readonly string[];
  /** Of the predictors' first weights, or of which images tables were fitted to. */
  readonly seeds: readonly number[];
  /** Means over the trainings, their standard errors from the spread of these. */
  readonly metrics: Columns;
}

type Trained = Pick<Point, 'label'> & { readonly point: Point; readonly metrics: Columns };

/** The trainings of a grid that are repeated with other seeds, of points whose scores are all there. */
export function overTrainings(points: readonly Trained[]): OverTrainings[] {
  const alike = new Map<string, Trained[]>();
  for (const one of points) {
    const { label: _, settings: __, train: ___, fit: ____, ...others } = one.point;
    const trained = trainingOf(one.point);
    if (!trained) continue;
    const { seed: _____, ...training } = trained;
    const key = canonicalJson({ ...others, training } as unknown as Json);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap((group) => {
    const columns = Object.keys(group[0]!.metrics);
    const isWhole = group.every(({ metrics }) => columns.every((column) => metrics[column] !== undefined));
    if (group.length < 2 || columns.length === 0 || !isWhole) return [];
    return {
      label: inCommon(group.map(({ label }) => label)),
      points: group.map(({ label }) => label),
      seeds: group.map(({ point }) => trainingOf(point)!.seed),
      metrics: overRepeats(group.map(({ metrics }) => metrics)),
    };
  });
}

/** What is trained, a predictor or a table. */
const trainingOf = ({ train, fit }: Point) => train || fit;

/** The parts that all labels have; of labels without, from the first to the last. */
export function inCommon(labels: readonly string[]): string {
  const [first = [], ...others] = labels.map((label) => label.split(', '));
  const shared = first.filter((part) => others.every((parts) => parts.includes(part)));
  return shared.length > 0 ? shared.join(', ') : `${labels[0]} … ${labels.at(-1)}`;
}
