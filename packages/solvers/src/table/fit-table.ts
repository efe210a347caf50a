import type { JointRequest } from '../drive/lockstep.js';
import type { Evaluation } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { dampedStep } from './levenberg-marquardt.js';
import {
  type NormalEquations,
  normalEquations,
  type Seen,
  squaresOf,
  type TableBlock,
} from './normal-equations.js';
import { checkTable, type SamplerTable } from './sampler-table.js';
import { moved, tableParameters } from './table-parameters.js';

/** What a table is fitted to. */
export interface FitTable<B extends TableBlock = TableBlock> extends Seen {
  /** Where it begins: a compiled method. */
  readonly start: SamplerTable;
  /** What it is trained on, block by block: one is in memory (E + 2 times for each parameter) at a time. */
  readonly train: readonly B[];
  /** What only tells which iteration is best, and when there is nothing more to gain. */
  readonly validation: readonly B[];
  /** Answers each sample by itself; `owners` are places in the block. */
  readonly denoise: (request: JointRequest, block: B) => Evaluation | Promise<Evaluation>;
  /** At most. */
  readonly iterations: number;
  /** Sees each iteration as it ends. */
  readonly onIteration?: (iteration: FitIteration) => void;
}

/** What one iteration came to. */
export interface FitIteration {
  /** Root mean square of what is seen, data units, over what it is trained on and over what validates. */
  readonly train: number;
  readonly validation: number;
  /** λ of the step that was taken. */
  readonly damping: number;
  /** Samples that the network was asked for, all until then. */
  readonly calls: number;
}

/** Trials of λ in an iteration, by what it was before. */
const TRIALS = [0.01, 0.1, 1, 10];
const FIRST_DAMPING = 0.1;
/** Beyond it a step is no longer one. */
const MOST_DAMPING = 1e6;
/** Iterations without a gain on the validation set before it ends. */
const PATIENCE = 2;

/**
 * Fits all of a table, entries and noise levels, to where a teacher ends, by Levenberg–Marquardt on the samples: forward
 * evaluations alone, so that any network will do.
 *
 * The table that comes back is the best on the validation set, the start if nothing was better.
 *
 * @throws SolverError (E_SOLVER) if the table is none, or the start itself gives no finite samples
 */
export async function fitTable<B extends TableBlock>({
  start,
  train,
  validation,
  denoise,
  iterations,
  range,
  onIteration,
}: FitTable<B>): Promise<{ readonly table: SamplerTable; readonly calls: number }> {
  checkTable(start);
  const see: Seen = range ? { range } : {};
  const parameters = tableParameters(start.sigmas.length);
  let calls = 0;
  const lossOn = async (blocks: readonly B[], table: SamplerTable) => {
    let [squares, numbers] = [0, 0];
    for (const block of blocks) {
      squares += await squaresOf(table, block, (request) => denoise(request, block), see);
      numbers += block.target.length;
      calls += block.n * table.sigmas.length;
    }
    return Math.sqrt(squares / numbers);
  };
  let [table, loss] = [start, await lossOn(train, start)];
  if (!Number.isFinite(loss))
    throw solverFault(
      `a table is fitted from one that samples; the start gives no finite samples. Begin with a compiled method.`,
      { loss },
    );
  let best = { table, validation: await lossOn(validation, table) };
  let damping = FIRST_DAMPING;
  let idle = 0;
  for (let i = 0; i < iterations && idle < PATIENCE && damping < MOST_DAMPING; i++) {
    const equations: NormalEquations[] = [];
    for (const block of train)
      equations.push(await normalEquations(table, block, (request) => denoise(request, block), see));
    const whole = sumOf(equations);
    calls += whole.calls;
    const trials = [];
    for (const factor of TRIALS) {
      const tried = damping * factor;
      const there = moved(table, parameters, dampedStep(whole, tried));
      trials.push({ damping: tried, table: there, loss: await lossOn(train, there) });
    }
    const lowest = trials.reduce((a, b) => (b.loss < a.loss ? b : a));
    if (!(lowest.loss < loss)) {
      damping *= 1000;
      continue;
    }
    ({ table, loss, damping } = lowest);
    const validated = await lossOn(validation, table);
    onIteration?.({ train: loss, validation: validated, damping, calls });
    idle = validated < best.validation ? 0 : idle + 1;
    if (validated < best.validation) best = { table, validation: validated };
  }
  return { table: best.table, calls };
}

/** Equations of several blocks as of one, added in their order. */
function sumOf(equations: readonly NormalEquations[]): NormalEquations {
  const add = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!);
  return equations.reduce((a, b) => ({
    matrix: add(a.matrix, b.matrix),
    gradient: add(a.gradient, b.gradient),
    squares: a.squares + b.squares,
    calls: a.calls + b.calls,
  }));
}
