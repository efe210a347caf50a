import { type TimesTransposed, transposed } from './matrix.js';

/** Roots of eigenvalues are followed down to this much of the largest. */
const LEAST = 1e-5;

/** No root is more than this away from where it belongs, as a part of it. */
const CLOSE = 1e-6;

/** More would take the largest roots below a tenth in a step, whose digits would be those of what is left of them. */
const MOST = 1.6977;

/** M^½ and M^−½, both [n × n]. */
export interface MatrixRoot {
  readonly root: Float64Array;
  readonly inverse: Float64Array;
}

/**
 * The root of a symmetric matrix M [n × n] without negative eigenvalues but for rounding, and its inverse.
 *
 * - Exact to about 1e-6 for eigenvalues λ with √λ ≥ 1e-5 of the Frobenius norm's root, less than √λ and 1/√λ for smaller ones,
 *   and finite for 0: so the matrix need not have full rank.
 * - Newton and Schulz's iteration Y ← ½ρ Y (3 − ρ² Z Y), Z ← ½ρ (3 − ρ² Z Y) Z from Y = M, Z = 1, which takes Y to M^½ and
 *   Z to M^−½: nothing but products, 50 of [n × n]. In this order of factors rounding errors don't grow.
 *
 * Source: Higham 2008, Functions of Matrices, 6.7, and Chen, Chow 2014 for ρ (A stable scaling of Newton-Schulz for
 * improving the sign function computation of a Hermitian matrix), which takes small eigenvalues up 2.5 times as far a step.
 */
export async function matrixRoot(
  matrix: Float64Array,
  n: number,
  times: TimesTransposed,
): Promise<MatrixRoot> {
  const norm = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
  let z: Float64Array = new Float64Array(n * n);
  if (norm === 0) return { root: z, inverse: z };
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  let y: Float64Array = matrix.map((value) => value / norm);
  // of the roots x of ZY, all of which are to become 1
  let least = LEAST;
  while (least < 1 - CLOSE) {
    const rho = Math.min(MOST, Math.sqrt(3 / (1 + least + least * least)));
    const factor = await times(z, transposed(y, n, n), n, n, n);
    for (let i = 0; i < factor.length; i++) factor[i]! *= (-rho * rho * rho) / 2;
    for (let i = 0; i < n; i++) factor[i * n + i]! += 1.5 * rho;
    const columns = transposed(z, n, n);
    y = await times(y, transposed(factor, n, n), n, n, n);
    z = await times(factor, columns, n, n, n);
    least *= (rho * (3 - rho * rho * least * least)) / 2;
  }
  const scale = Math.sqrt(norm);
  return { root: y.map((value) => value * scale), inverse: z.map((value) => value / scale) };
}
