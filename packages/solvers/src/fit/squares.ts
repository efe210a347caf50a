import type { SamplerTable } from '../table/sampler-table.js';
import { type Block, type BlockDenoise, seen, type View } from './block.js';
import { sideBySide } from './side-by-side.js';

/** How far several tables are off on a block. */
export interface Squares {
  /** Σ e² of each: Infinity where a sample isn't finite. */
  readonly squares: readonly number[];
  /** The same of the samples' own numbers alone, where others count beside them. */
  readonly own?: readonly number[];
  /** Numbers of the samples. */
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
  const [numbers, width] = [block.noise.length, block.goal.length / block.n];
  const size = numbers / block.n;
  const sumOver = (counts: (at: number) => boolean) =>
    all.map((found) => {
      const sum = found.reduce(
        (total, value, i) => (counts(i % width) ? total + (value - block.goal[i]!) ** 2 : total),
        0,
      );
      return Number.isFinite(sum) ? sum : Infinity;
    });
  return {
    squares: sumOver(() => true),
    ...(width > size && { own: sumOver((at) => at < size) }),
    ...{ numbers, calls },
  };
}

/** Squares of several blocks as of one, added in their order. */
export function sumOfSquares(all: readonly Squares[]): Squares {
  const add = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i]!);
  return all.reduce((a, b) => ({
    squares: add(a.squares, b.squares),
    ...(a.own && b.own && { own: add(a.own, b.own) }),
    numbers: a.numbers + b.numbers,
    calls: a.calls + b.calls,
  }));
}
