import type { TableFamily } from '../generators/generator.js';
import type { Vector } from '../solver.js';
import { type Block, type BlockDenoise, seen, type View } from './block.js';
import { sideBySide } from './side-by-side.js';

/** How far a table's samples are off, and which way is down; sums over samples, so blocks are added. */
export interface NormalEquations {
  /** JᵀJ, [p × p] over the p parameters of the family, J the derivatives of what is seen by them. */
  readonly matrix: Vector;
  /** Jᵀe, [p], e what is seen less the goal. */
  readonly gradient: Vector;
  /** Σ e². */
  readonly squares: number;
  /** Numbers of the samples. */
  readonly numbers: number;
  /** Samples that the network was asked for, once each. */
  readonly calls: number;
}

/**
 * The Gauss–Newton equations of a family of tables on a block: forward differences by every parameter, those of one stage
 * one request.
 *
 * Costs, a sample, E calls and E − k for a parameter of row k: for all of a table of E = 3 16 more, of E = 5 50. The last
 * row costs none.
 */
export async function normalEquations(
  { parameters, table }: TableFamily,
  values: readonly number[],
  block: Block,
  denoise: BlockDenoise,
  view: View,
): Promise<NormalEquations> {
  const moved = parameters.map(({ step }, p) =>
    table(values.map((value, i) => (i === p ? value + step : value))),
  );
  const { samples, calls } = await sideBySide([table(values), ...moved], block, denoise);
  const [own, ...others] = await seen(view, samples, block.n);
  const slopes = others.map((other, p) => other.map((value, i) => (value - own![i]!) / parameters[p]!.step));
  return { ...equations(own!, slopes, block), calls };
}

function equations(
  own: Vector,
  slopes: readonly Vector[],
  { noise, goal }: Block,
): Omit<NormalEquations, 'calls'> {
  const error = own.map((value, i) => value - goal[i]!);
  const p = slopes.length;
  const matrix = new Float64Array(p * p);
  for (let a = 0; a < p; a++)
    for (let b = 0; b <= a; b++) matrix[a * p + b] = matrix[b * p + a] = dot(slopes[a]!, slopes[b]!);
  return {
    matrix,
    gradient: Float64Array.from(slopes, (slope) => dot(slope, error)),
    squares: dot(error, error),
    numbers: noise.length,
  };
}

/** Equations of several blocks as of one, added in their order. */
export function sumOf(equations: readonly NormalEquations[]): NormalEquations {
  const add = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);
  return equations.reduce((a, b) => ({
    matrix: add(a.matrix, b.matrix),
    gradient: add(a.gradient, b.gradient),
    squares: a.squares + b.squares,
    numbers: a.numbers + b.numbers,
    calls: a.calls + b.calls,
  }));
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
