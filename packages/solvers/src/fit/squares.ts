import type { SamplerTable } from '../table/sampler-table.js';
import { type Block, type BlockDenoise, seen, type View } from './block.js';
import { sideBySide } from './side-by-side.js';

/** How far several tables are off on a block. */
export interface Squares {
  /** Σ e² of each: Infinity where a sample isn't finite. */
  readonly squares: readonly number[];
  readonly numbers: number;
  readonly calls: number;
}

/** Σ e² of tables on a block, as `normalEquations` has it. Costs E calls a sample and table, what they ask alike but once. */
export async function squaresOf(
  tables: readonly SamplerTable[],
  block: Block,
  denoise: BlockDenoise,
  view: View,
): Promise<Squares> {
  const { samples, calls } = await sideBySide(tables, block, denoise);
  const all = await seen(view, samples, block.n);
  const squares = all.map((own) => {
    const sum = own.reduce((total, value, i) => total + (value - block.goal[i]!) ** 2, 0);
    return Number.isFinite(sum) ? sum : Infinity;
  });
  return { squares, numbers: block.goal.length, calls };
}

/** Squares of several blocks as of one, added in their order. */
export const sumOfSquares = (all: readonly Squares[]): Squares =>
  all.reduce((a, b) => ({
    squares: a.squares.map((value, i) => value + b.squares[i]!),
    numbers: a.numbers + b.numbers,
    calls: a.calls + b.calls,
  }));
