import type { Options, OptionValues } from '@fewstep/schedules';
import type { Solve } from '../drive/solve.js';
import type { SamplerTable } from '../table/sampler-table.js';

/** A number that is free to move. */
export interface Parameter {
  /** As it is told to people: 'b 2,0', 'sigma 1'. */
  readonly name: string;
  /** Where training begins. */
  readonly start: number;
  /** How far a difference goes that tells its slope: small beside what matters, large beside the network's rounding. */
  readonly step: number;
}

/** Tables that numbers make, each of any size: what is trained. */
export interface TableFamily {
  readonly parameters: readonly Parameter[];
  /** The table of values, one for each parameter. */
  table(values: ArrayLike<number>): SamplerTable;
}

/** What a family begins from: a plain solve, of samples of a shape. */
export interface Start extends Pick<Solve, 'solver' | 'sigmas' | 'afs' | 'denoiseToZero'> {
  /** [channels, height, width]. */
  readonly shape: readonly [number, number, number];
}

/** A way to make tables of numbers, said once: its name in a spec, what it may be told, and the family that it is. */
export interface TableGenerator<N extends string = string, O extends Options = Options> {
  readonly name: N;
  /** Under their names in a spec. */
  readonly options: O;
  /** What is free, for people. */
  readonly description: string;
  /** Evaluations of one interval, where it has its own and the start's method gives its noise levels alone. */
  evaluations?(options: OptionValues<O>): number;
  /** @throws SolverError (E_SOLVER) where the start is none that it can begin from */
  make(options: OptionValues<O>, start: Start): TableFamily;
}

/** Declares a generator; its types are those of its options. */
export const generator = <const N extends string, O extends Options>(
  declared: TableGenerator<N, O>,
): TableGenerator<N, O> => declared;

/** Where a family begins. */
export const startOf = ({ parameters, table }: TableFamily): SamplerTable =>
  table(parameters.map(({ start }) => start));
