import type { SamplerTable } from './sampler-table.js';

/**
 * One number of a table that is free to move: entry `at` of row `row`, of the noise (0) or of answer at − 1; or, where `at`
 * is 'sigma', the logarithm of the noise level that the network is told there.
 */
export interface TableParameter {
  readonly row: number;
  readonly at: number | 'sigma';
}

/** All of a table of so many evaluations, row by row, the noise level of a row last. */
export const tableParameters = (evaluations: number): TableParameter[] =>
  Array.from({ length: evaluations + 1 }, (_, row) => [
    ...Array.from({ length: row + 1 }, (_, at) => ({ row, at })),
    ...(row < evaluations ? [{ row, at: 'sigma' } as const] : []),
  ]).flat();

/** A table with its parameters moved by `by`: entries by a sum, noise levels by a factor exp(by). */
export function moved(
  { sigmas, rows }: SamplerTable,
  parameters: readonly TableParameter[],
  by: ArrayLike<number>,
): SamplerTable {
  const [levels, entries] = [[...sigmas], rows.map((row) => [...row])];
  for (const [i, { row, at }] of parameters.entries())
    if (at === 'sigma') levels[row]! *= Math.exp(by[i]!);
    else entries[row]![at]! += by[i]!;
  return { sigmas: levels, rows: entries };
}
