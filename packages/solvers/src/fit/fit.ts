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
 * An iteration is `normalEquations` on each block at `values` and `squaresOf` on what validates, `proposed` of their sums,
 * `squaresOf` of what that proposes on each block, and `accepted`.
 */
export interface FitState {
  /** Of the family's parameters. */
  readonly values: readonly number[];
  /** λ of the last step. */
  readonly damping: number;
  /** What was best on the validation set. */
  readonly best: { readonly values: readonly number[]; readonly validation: number } | null;
  /** Iterations in a row that were no gain there. */
  readonly idle: number;
  /** There is nothing more to gain: what is left of the iterations changes nothing. */
  readonly ended: boolean;
  readonly log: readonly FitIteration[];
  /** Samples that the network was asked for, all until now. */
  readonly calls: number;
}

/** What one iteration found at its beginning, and λ of the step that was taken from there. */
export interface FitIteration {
  /** Root mean square of what is seen less the goal, over what it is trained on and over what validates. */
  readonly train: number;
  readonly validation: number;
  /** null: no step was better. */
  readonly damping: number | null;
  /** Samples that the network was asked for, all until its end. */
  readonly calls: number;
}

/** A step not taken yet. */
export interface Proposal {
  readonly values: readonly number[];
  readonly damping: number;
}

/** Trials of λ in an iteration, by what it was before. */
const TRIALS = [0.01, 0.1, 1, 10];
const FIRST_DAMPING = 0.1;
/** λ grows by so much where no trial was better, and beyond the second a step is no longer one. */
const RETREAT = 1000;
const MOST_DAMPING = 1e6;
/** Iterations without a gain on the validation set before it ends. */
const PATIENCE = 2;

export const beginFit = ({ parameters }: TableFamily): FitState => ({
  values: parameters.map(({ start }) => start),
  damping: FIRST_DAMPING,
  best: null,
  idle: 0,
  ended: false,
  log: [],
  calls: 0,
});

/**
 * The steps to try from where a fit stands; none where it has ended.
 *
 * @throws SolverError (E_SOLVER) if the start gives no finite samples
 */
export function proposed(
  state: FitState,
  equations: NormalEquations,
  validation: Squares,
): { readonly state: FitState; readonly proposals: readonly Proposal[] } {
  const train = Math.sqrt(equations.squares / equations.numbers);
  const validated = rms(validation);
  if (state.log.length === 0 && !Number.isFinite(train + validated))
    throw solverFault(
      'a table is fitted from one that samples; the start gives no finite samples. Begin with another method, schedule or number of steps.',
      { train, validation: validated },
    );
  const judged = judge(state, validation);
  const calls = judged.calls + equations.calls;
  const log = [...state.log, { train, validation: validated, damping: null, calls }];
  const next = { ...judged, log, calls };
  const proposals = TRIALS.map((factor) => {
    const damping = state.damping * factor;
    const step = dampedStep(equations, damping);
    return { damping, values: state.values.map((value, i) => value + step[i]!) };
  });
  return { state: next, proposals: next.ended ? [] : proposals };
}

/** Where a fit stands after its trials: at the best of them, or where it was with a larger λ. */
export function accepted(state: FitState, proposals: readonly Proposal[], trials: Squares): FitState {
  const { log } = state;
  const last = log.at(-1)!;
  const calls = state.calls + trials.calls;
  const losses = trials.squares.map((squares) => Math.sqrt(squares / trials.numbers));
  const best = losses.reduce((a, loss, i) => (loss < losses[a]! ? i : a), 0);
  const isBetter = losses[best]! < last.train;
  const damping = isBetter ? proposals[best]!.damping : state.damping * RETREAT;
  return {
    ...state,
    ...(isBetter && { values: proposals[best]!.values }),
    damping,
    ended: damping > MOST_DAMPING,
    log: [...log.slice(0, -1), { ...last, damping: isBetter ? damping : null, calls }],
    calls,
  };
}

/** Where a fit ends: with what validates at its last values looked at, too. */
export const concluded = (state: FitState, validation: Squares): FitState => judge(state, validation);

function judge(state: FitState, validation: Squares): FitState {
  const found = rms(validation);
  const isBest = state.best === null || found < state.best.validation;
  const idle = isBest ? 0 : state.idle + 1;
  return {
    ...state,
    best: isBest ? { values: state.values, validation: found } : state.best,
    idle,
    ended: state.ended || idle >= PATIENCE,
    calls: state.calls + validation.calls,
  };
}

const rms = ({ squares, numbers }: Squares) => Math.sqrt(squares[0]! / numbers);

/** What a family of tables is fitted to. */
export interface Fit<B extends Block = Block> {
  readonly family: TableFamily;
  /** What it is trained on, block by block: one is in memory, E + 2 times for each parameter, at a time. */
  readonly train: readonly B[];
  /** What only tells which iteration is best, and when there is nothing more to gain. */
  readonly validation: readonly B[];
  /** Answers each sample by itself; `owners` are places in the block. */
  readonly denoise: (request: Parameters<BlockDenoise>[0], block: B) => ReturnType<BlockDenoise>;
  /** What is seen of samples, and compared with the blocks' goals. */
  readonly view: View;
  /** At most. */
  readonly iterations: number;
  /** Sees where it stands after each iteration. */
  readonly onIteration?: (state: FitState) => void;
}

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
  train,
  validation,
  denoise,
  view,
  iterations,
  onIteration,
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
  for (let i = 0; i < iterations && !state.ended; i++) {
    const each: NormalEquations[] = [];
    for (const block of train)
      each.push(
        await normalEquations(family, state.values, block, (request) => denoise(request, block), view),
      );
    const { state: judged, proposals } = proposed(state, sumOf(each), await off(validation, [state.values]));
    state = judged;
    if (proposals.length > 0) {
      const trials = await off(
        train,
        proposals.map(({ values }) => values),
      );
      state = accepted(judged, proposals, trials);
    }
    onIteration?.(state);
  }
  if (!state.ended) state = concluded(state, await off(validation, [state.values]));
  return { table: tableAt(state.best!.values), state };
}
