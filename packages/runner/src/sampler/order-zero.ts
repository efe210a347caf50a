import type { SamplerFile } from './sampler-file.js';

/**
 * How far each row of a table is off where there is nothing to approximate: of data that are one point c, D ≡ c, and the
 * exact solution from σ_max·z at noise level s is c·(1 − s/σ_max) + s·z. Row k, whose noise is a_k, holds Σ_j b_kj of c in
 * its place; this is the difference, in units of c, of rows by band the largest.
 *
 * 0 for every consistent method, after an analytical first step not quite; of learned rows a number to look at.
 */
export function orderZeroOff({ table, model }: Pick<SamplerFile, 'table' | 'model'>): number[] {
  return table.rows.map((row, k) => {
    const parts = row.length / (k + 1);
    const off = Array.from({ length: parts }, (_, band) => {
      const [noise, ...answers] = row.filter((_, i) => i % parts === band);
      return answers.reduce((sum, weight) => sum + weight, 0) - (1 - noise! / model.sigma_max);
    });
    return off.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most));
  });
}
