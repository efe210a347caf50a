/**
 * Solves Σ_k ρ_k·r_k^i = b_i, i = 0, 1, …, for distinct r.
 *
 * Source: Björck and Pereyra, Mathematics of Computation 24 (1970), 893–903.
 */
export function solveVandermonde(r: readonly number[], b: readonly number[]): readonly number[] {
  const rho = [...b];
  const last = rho.length - 1;
  for (let k = 0; k < last; k++) for (let i = last; i > k; i--) rho[i]! -= r[k]! * rho[i - 1]!;
  for (let k = last - 1; k >= 0; k--) {
    for (let i = k + 1; i <= last; i++) rho[i]! /= r[i]! - r[i - k - 1]!;
    for (let i = k; i < last; i++) rho[i]! -= rho[i + 1]!;
  }
  return rho;
}
