import { checkTable, type SamplerTable } from './sampler-table.js';

/** How far a row is off a line, in data units. */
export interface Residual {
  /** Of the weight of the noise, of deviation 1. */
  readonly noise: number;
  /** Of the sum of the answers' weights; of rows by band, that of the band where it is farthest off. */
  readonly data: number;
}

/**
 * What each row of a table, and its sample as the last, has beyond where the exact flow is if the network always answers the
 * same, D ≡ c: at σ_k z + (1 − σ_k/σ_max)·c, on the line from the noise to c.
 *
 * It is 0 for every row of a method of order 1 or more, whatever its noise levels, and says nothing of how good a table is:
 * GS, EPD-Solver and DyWeight leave the line where they have learned to, `times` tells the network of another place on it,
 * and an analytical first step goes towards the mean of the data in place of c.
 *
 * `sigmaMax`: the level that noise is scaled by. `end`: the level that the sample is at, 0 where it is denoised; by default
 * that of its noise.
 *
 * @throws SolverError (E_SOLVER) if it is no table
 */
export function residualsOf(table: SamplerTable, sigmaMax: number, end?: number): Residual[] {
  checkTable(table);
  return table.rows.map((row, k) => {
    const bands = row.length / (k + 1);
    const each = Array.from({ length: bands }, (_, band) => {
      const [noise, ...answers] = row.filter((_, i) => i % bands === band);
      const sigma = table.sigmas[k] ?? end ?? noise!;
      const sum = answers.reduce((total, weight) => total + weight, 0);
      return { noise: noise! - sigma, data: sum - (1 - sigma / sigmaMax) };
    });
    const farthest = (values: readonly number[]) =>
      values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    return {
      noise: farthest(each.map(({ noise }) => noise)),
      data: farthest(each.map(({ data }) => data)),
    };
  });
}
