import { combine } from '../math/vector.js';
import type { Vector } from '../solver.js';
import { type Bands, inBands } from './bands.js';

/** The noise, or an answer: a batch that rows are made of. */
export interface Known {
  readonly whole: Vector;
  /** Its bands, made where a row asks for them. */
  parts(): readonly Vector[];
}

/** `bands`: of a table that has rows by band. */
export function known(whole: Vector, bands: Bands | undefined): Known {
  let parts: readonly Vector[] | undefined;
  return { whole, parts: () => (parts ??= bands ? inBands(whole, bands) : [whole]) };
}

/** What the entries of a row are of, in their order. */
const basisOf = (row: readonly number[], all: readonly Known[]): Vector[] =>
  row.length === all.length ? all.map(({ whole }) => whole) : all.flatMap((one) => one.parts());

/** A row's sum. */
export function rowOf(row: readonly number[], all: readonly Known[]): Vector {
  const basis = basisOf(row, all);
  return combine(...row.map((weight, i) => [weight, basis[i]!] as const));
}
