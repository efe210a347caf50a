import type { Vector } from '../solver.js';
import type { NormalEquations } from './normal-equations.js';

/**
 * The step −(JᵀJ + λ·diag JᵀJ)⁻¹ Jᵀe down from where the equations were made: a long one for a small λ, and for a large one a
 * short one along each parameter's own gradient. A parameter that nothing depends on stays where it is.
 *
 * Source: Levenberg 1944; Marquardt 1963, doi:10.1137/0111030.
 */
export function dampedStep(
  { matrix, gradient }: Pick<NormalEquations, 'matrix' | 'gradient'>,
  damping: number,
): Vector {
  const p = gradient.length;
  const scale = Float64Array.from({ length: p }, (_, i) => Math.sqrt(matrix[i * p + i]!) || 1);
  // in units in which the diagonal is 1, Cholesky's L in place
  const lower = matrix.map((value, at) => value / (scale[Math.floor(at / p)]! * scale[at % p]!));
  for (let i = 0; i < p; i++) lower[i * p + i]! = 1 + damping;
  for (let j = 0; j < p; j++)
    for (let i = j; i < p; i++) {
      let sum = lower[i * p + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * p + k]! * lower[j * p + k]!;
      lower[i * p + j] = i === j ? Math.sqrt(sum) : sum / lower[j * p + j]!;
    }
  const step = gradient.map((value, i) => -value / scale[i]!);
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) step[i]! -= lower[i * p + k]! * step[k]!;
    step[i]! /= lower[i * p + i]!;
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) step[i]! -= lower[k * p + i]! * step[k]!;
    step[i]! /= lower[i * p + i]!;
  }
  return step.map((value, i) => value / scale[i]!);
}
