import type { NoiseTable } from './noise-table.js';
import type { Options, OptionValues } from './options.js';

/** What a schedule fills. `numSteps` counts timestamps, so there are numSteps − 1 intervals. */
export interface Span {
  readonly numSteps: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** How the noise levels of a solve are spaced, said once: its name in a spec, what it may be told, and its levels. */
export interface ScheduleFamily<N extends string = string, O extends Options = Options> {
  readonly name: N;
  /** For people, as the end of a sentence: "evenly in log σ". */
  readonly spacing: string;
  /** Under their names in a spec. */
  readonly options: O;
  /** In the times of the noise table that the model was trained on, so that there must be one. */
  readonly inTimes?: boolean;
  /** Of a span that was checked; `table`: of a model that was trained on discrete times. */
  levels(span: Span, options: OptionValues<O>, table: NoiseTable | undefined): Float64Array;
}

/** Declares a family; its types are those of its options. */
export const scheduleFamily = <const N extends string, O extends Options>(
  declared: ScheduleFamily<N, O>,
): ScheduleFamily<N, O> => declared;
