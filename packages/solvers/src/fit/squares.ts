import type { SamplerTable } from '../table/sampler-table.js';
import { type Block, type BlockDenoise, seen, type View } from './block.js';
import { sideBySide } from './side-by-side.js';
import { weightsOf } from './weights.js';

/** How far several tables are off on a block. */
export interface Squares {
  /** Σ e² of each: Infinity where a sample isn't finite. */
  readonly squares: readonly number[];
  /** The same with each sample at its weight, as the first table has it. */
  readonly weighted: readonly number[];
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
  const errors = all.map((found) => found.map((value, i) => value - block.goal[i]!));
  const weights = weightsOf(errors[0]!, block.n);
  const sumOver = (weight: (at: number, sample: number) => number) =>
    errors.map((error) => {
      const sum = error.reduce(
        (total, value, i) => total + weight(i % width, Math.floor(i / width)) * value ** 2,
        0,
      );
      return Number.isFinite(sum) ? sum : Infinity;
    });
  return {
    squares: sumOver(() => 1),
    weighted: sumOver((_, sample) => weights[sample]!),
    ...(width > size && { own: sumOver((at) => (at < size ? 1 : 0)) }),
    ...{ numbers, calls },
  };
}

/** Squares of several blocks as of one, added in their order. */
export function sumOfSquares(all: readonly Squares[]): Squares {
  const add = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i]!);
  return all.reduce((a, b) => ({
    squares: add(a.squares, b.squares),
    weighted: add(a.weighted, b.weighted),
    ...(a.own && b.own && { own: add(a.own, b.own) }),
    numbers: a.numbers + b.numbers,
    calls: a.calls + b.calls,
  }));
}
