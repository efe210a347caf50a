import type { TableFamily } from '../generators/generator.js';
import { solverFault } from '../solver-error.js';
import { checkTable, type SamplerTable } from '../table/sampler-table.js';
import type { Block, BlockDenoise, View } from './block.js';
import { dampedStep } from './levenberg-marquardt.js';
import { type NormalEquations, normalEquations, sumOf } from './normal-equations.js';
import { type Squares, squaresOf, sumOfSquares } from './squares.js';

/**
 * Where a fit stands: plain data, so that it goes on from a file, and what lies between two of them may be computed by
 * several machines.
 *
 * A round is `normalEquations` on each of its blocks at `values` and `squaresOf` on what validates, `proposed` of their
 * sums, `squaresOf` of what that proposes on some of the blocks, and `accepted`.
 */
export interface FitState {
  /** Of the family's parameters. */
  readonly values: readonly number[];
  /** λ of the last step. */
  readonly damping: number;
  /** What the rounds until now say of all values θ: the loss is ½θᵀAθ + cᵀθ and a constant. null: nothing yet. */
  readonly model: { readonly matrix: readonly number[]; readonly offset: readonly number[] } | null;
  /** What was best on the validation set. */
  readonly best: {
    readonly values: readonly number[];
    readonly validation: number;
    /** As of a round. */
    readonly rmse?: number;
  } | null;
  /** Rounds in a row in which no step was better. */
  readonly idle: number;
  /** No step is better any more: what is left of the rounds changes nothing. */
  readonly ended: boolean;
  readonly log: readonly FitRound[];
  /** Samples that the network was asked for, all until now. */
  readonly calls: number;
}

/** What one round found at its beginning, and λ of the step that was taken from there. */
export interface FitRound {
  /**
   * Root of the squares of what is seen less the goal, of each number of a sample in the mean: over what it is trained on and
   * over what validates.
   */
  readonly train: number;
  readonly validation: number;
  /** That of the samples' own numbers on what validates, where others count beside them. */
  readonly rmse?: number;
  /** null: no step was better. */
  readonly damping: number | null;
  /** Samples that the network was asked for, all until its end. */
  readonly calls: number;
}

/** Values to be tried, the first those where the fit stands. */
export interface Proposal {
  readonly values: readonly number[];
  readonly damping: number;
}

/** Trials of λ in a round, by what it was before. */
export const TRIALS = [0.1, 1, 10, 100];
const FIRST_DAMPING = 0.1;
const LEAST_DAMPING = 1e-6;
/** λ grows by so much where no trial was better, and beyond the second a step is no longer one. */
const RETREAT = 1000;
const MOST_DAMPING = 1e6;
/**
 * Rounds without a step before it ends. Steps that are no gain on what validates are no reason: a few images decide that, and
 * the rounds on most images come last.
 */
const PATIENCE = 3;

/** A fit that has seen nothing yet: at the family's start. */
export const beginFit = ({ parameters }: TableFamily): FitState => ({
  values: parameters.map(({ start }) => start),
  damping: FIRST_DAMPING,
  model: null,
  best: null,
  idle: 0,
  ended: false,
  log: [],
  calls: 0,
});

/**
 * The steps to try from where a fit stands, which has not ended. `keep`: how much of what the rounds before found counts
 * beside the equations of this one, 0 to 1.
 *
 * @throws SolverError (E_SOLVER) if the start gives no finite samples
 */
export function proposed(
  state: FitState,
  equations: NormalEquations,
  keep: number,
  validation: Squares,
): { readonly state: FitState; readonly proposals: readonly Proposal[] } {
  const { values } = state;
  const train = Math.sqrt(equations.squares / equations.numbers);
  const validated = rms(validation);
  if (state.log.length === 0 && !Number.isFinite(train + validated))
    throw solverFault(
      'a table is fitted from one that samples; the start gives no finite samples. Begin with another method, schedule or number of steps.',
      { train, validation: validated },
    );
  const judged = judge(state, validation);
  const calls = judged.calls + equations.calls;
  const log = [...state.log, { train, validation: validated, ...ownOf(validation), damping: null, calls }];
  const own = times(equations.matrix, values);
  const found = {
    matrix: [...equations.matrix],
    offset: [...equations.gradient].map((value, i) => value - own[i]!),
  };
  const model = state.model && keep > 0 ? mixed(state.model, found, keep) : found;
  const towards = times(model.matrix, values);
  const gradient = Float64Array.from(model.offset, (value, i) => value + towards[i]!);
  const matrix = Float64Array.from(model.matrix);
  const steps = TRIALS.map((factor) => {
    const damping = Math.max(LEAST_DAMPING, state.damping * factor);
    const step = dampedStep({ matrix, gradient }, damping);
    return { damping, values: values.map((value, i) => value + step[i]!) };
  });
  return {
    state: { ...judged, model, log, calls },
    proposals: [{ values, damping: state.damping }, ...steps.filter(isFiniteStep)],
  };
}

/** Whether a step can be tried: slopes that have left the numbers give none. */
const isFiniteStep = ({ values }: Proposal) => values.every(Number.isFinite);

/** Where a fit stands after its trials: at the best of them, or where it was with a larger λ. */
export function accepted(state: FitState, proposals: readonly Proposal[], trials: Squares): FitState {
  const { squares } = trials;
  const best = squares.reduce((a, value, i) => (value < squares[a]! ? i : a), 0);
  const isBetter = best > 0;
  const damping = isBetter ? proposals[best]!.damping : state.damping * RETREAT;
  const idle = isBetter ? 0 : state.idle + 1;
  const calls = state.calls + trials.calls;
  const { log } = state;
  return {
    ...state,
    values: proposals[best]!.values,
    damping,
    idle,
    ended: idle >= PATIENCE || damping > MOST_DAMPING,
    log: [...log.slice(0, -1), { ...log.at(-1)!, damping: isBetter ? damping : null, calls }],
    calls,
  };
}

/** Where a fit ends: with what validates at its last values looked at, too. */
export const concluded = (state: FitState, validation: Squares): FitState =>
  state.ended ? state : judge(state, validation);

function judge(state: FitState, validation: Squares): FitState {
  const found = rms(validation);
  const isBest = state.best === null || found < state.best.validation;
  return {
    ...state,
    best: isBest ? { values: state.values, validation: found, ...ownOf(validation) } : state.best,
    calls: state.calls + validation.calls,
  };
}

const rms = ({ squares, numbers }: Pick<Squares, 'squares' | 'numbers'>) => Math.sqrt(squares[0]! / numbers);

/** Of the samples' own numbers, where others count beside them. */
const ownOf = ({ own, numbers }: Squares): { readonly rmse?: number } =>
  own ? { rmse: rms({ squares: own, numbers }) } : {};

type Model = NonNullable<FitState['model']>;

function mixed(before: Model, found: Model, keep: number): Model {
  const mix = (a: readonly number[], b: readonly number[]) => a.map((value, i) => keep * value + b[i]!);
  return { matrix: mix(before.matrix, found.matrix), offset: mix(before.offset, found.offset) };
}

/** A square matrix by a vector. */
function times(matrix: ArrayLike<number>, vector: readonly number[]): number[] {
  const p = vector.length;
  return vector.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < p; j++) sum += matrix[i * p + j]! * vector[j]!;
    return sum;
  });
}

/** What a family of tables is fitted to. */
export interface Fit<B extends Block = Block> {
  readonly family: TableFamily;
  /**
   * What it is trained on, round by round, as `roundsOf` cuts them, and block by block: one is in memory, E + 2 times for
   * each parameter, at a time.
   */
  readonly rounds: readonly { readonly blocks: readonly B[]; readonly keep: number }[];
  /** What only tells which round is best. */
  readonly validation: readonly B[];
  /** Answers each sample by itself; `owners` are places in the block. */
  readonly denoise: (request: Parameters<BlockDenoise>[0], block: B) => ReturnType<BlockDenoise>;
  /** What is seen of samples, and compared with the blocks' goals. */
  readonly view: View;
  /** Sees where it stands after each round. */
  readonly onRound?: (state: FitState) => void;
}

/** Blocks of a round that its steps are tried on. */
export const TRIAL_BLOCKS = 3;

/**
 * Fits a family of tables to where a teacher ends, by Levenberg–Marquardt on what is seen of the samples: forward
 * evaluations alone, so that any network will do.
 *
 * The table that comes back is the best on the validation set, the start if nothing was better.
 *
 * @throws SolverError (E_SOLVER) if the start is no table, or gives no finite samples
 */
export async function fit<B extends Block>({
  family,
  rounds,
  validation,
  denoise,
  view,
  onRound,
}: Fit<B>): Promise<{ readonly table: SamplerTable; readonly state: FitState }> {
  const tableAt = (values: readonly number[]) => family.table(values);
  const off = async (blocks: readonly B[], all: readonly (readonly number[])[]) => {
    const each = [];
    for (const block of blocks)
      each.push(await squaresOf(all.map(tableAt), block, (request) => denoise(request, block), view));
    return sumOfSquares(each);
  };
  let state = beginFit(family);
  checkTable(tableAt(state.values));
  for (const { blocks, keep } of rounds) {
    if (state.ended) break;
    const each: NormalEquations[] = [];
    for (const block of blocks)
      each.push(
        await normalEquations(family, state.values, block, (request) => denoise(request, block), view),
      );
    const next = proposed(state, sumOf(each), keep, await off(validation, [state.values]));
    const trials = await off(
      blocks.slice(0, TRIAL_BLOCKS),
      next.proposals.map(({ values }) => values),
    );
    state = accepted(next.state, next.proposals, trials);
    onRound?.(state);
  }
  if (!state.ended) state = concluded(state, await off(validation, [state.values]));
  return { table: tableAt(state.best!.values), state };
}
