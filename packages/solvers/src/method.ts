import type { Options, OptionValues } from '@fewstep/schedules';
import type { Output } from './output.js';
import type { Solver, Student } from './solver.js';

/** What a model is solved between, data units. */
export interface NoiseRange {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** A plain solver, said once: its name in a spec, what it may be told, what it costs, and how it is made. */
export interface Method<N extends string = string, O extends Options = Options> {
  readonly name: N;
  /**
   * What others call it, in their lower case with _ between words: each with the options that it then has, as a spec has them.
   */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Of one interval, for plans and progress alone: what is reported is what the driver counted. */
  readonly evaluations: number;
  /** Under their names in a spec. */
  readonly options: O;
  make(options: OptionValues<O>, range: NoiseRange): Solver;
}

/** A student, said once: as a plain solver, and what of it a predictor decides. */
export interface SteeredMethod<N extends string = string, O extends Options = Options> {
  readonly name: N;
  /** As of a plain solver. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  readonly evaluations: number;
  readonly options: O;
  /** In the order of the predictor's layers. */
  outputs(options: OptionValues<O>): readonly Output[];
  /** The plain solver that it learns from where a spec names none. */
  readonly teacher: string;
  make(options: OptionValues<O>): Student;
}

/** Declares a plain solver; its types are those of its options. */
export const method = <const N extends string, O extends Options>(declared: Method<N, O>): Method<N, O> =>
  declared;

/** Declares a student; its types are those of its options. */
export const steeredMethod = <const N extends string, O extends Options>(
  declared: SteeredMethod<N, O>,
): SteeredMethod<N, O> => declared;
