import type { NoiseTable } from './noise-table.js';
import type { Options, OptionValues } from './options.js';
import { ScheduleError } from './schedule-error.js';
import { divided } from './spacing.js';

/** Levels are the same but for that. */
const rounding = 1e-6;

/** What a schedule fills. `numSteps` counts timestamps, so there are numSteps − 1 intervals. */
export interface Span {
  readonly numSteps: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** Of a grid that divides the intervals of a coarser one, as a teacher's does a student's: how many timestamps that has. */
  readonly coarse?: number;
}

/** How the noise levels of a solve are spaced, said once: its name in a spec, what it may be told, and its levels. */
export interface ScheduleFamily<N extends string = string, O extends Options = Options> {
  readonly name: N;
  /**
   * What others call it, in their lower case with _ between words: each with the options that it then has, as a spec has them.
   */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** For people, as the end of a sentence: "evenly in log σ". */
  readonly spacing: string;
  /** Under their names in a spec. */
  readonly options: O;
  /** In the times of the noise table that the model was trained on, so that there must be one. */
  readonly inTimes?: boolean;
  /** Sought as a whole, so that finer levels of the same range don't pass through its own: intervals are divided in log σ. */
  readonly isWhole?: boolean;
  /** Of a span that was checked; `table`: of a model that was trained on discrete times. */
  levels(span: Span, options: OptionValues<O>, table: NoiseTable | undefined): Float64Array;
}

/** Declares a family; its types are those of its options. */
export const scheduleFamily = <const N extends string, O extends Options>(
  declared: ScheduleFamily<N, O>,
): ScheduleFamily<N, O> => declared;

/**
 * Levels of a family, among them those of the grid that they divide.
 *
 * @throws ScheduleError (E_SCHEDULE) if they are not: a student would be held against a teacher's states at other levels
 */
export function levelsOf<O extends Options>(
  family: Pick<ScheduleFamily<string, O>, 'name' | 'isWhole' | 'levels'>,
  { coarse, ...span }: Span,
  options: OptionValues<O>,
  table: NoiseTable | undefined,
): Float64Array {
  const levels = () => family.levels(span, options, table);
  if (coarse === undefined || coarse === span.numSteps) return levels();
  const own = family.levels({ ...span, numSteps: coarse }, options, table);
  const parts = (span.numSteps - 1) / (coarse - 1);
  if (family.isWhole) return divided(own, parts);
  const fine = levels();
  const missed = own.findIndex((sigma, i) => !(Math.abs(fine[i * parts]! / sigma - 1) < rounding));
  if (missed >= 0)
    throw new ScheduleError(
      `${span.numSteps} levels of the ${family.name} schedule must pass through its ${coarse}, which they divide: level ${missed} is ${own[missed]}`,
      fine[missed * parts],
      'Where levels are sought as a whole declare isWhole: true, and intervals are divided evenly in log σ.',
    );
  return fine;
}
