import { gaussRule } from '../math/gauss-rule.js';
import { interpolationWeights } from '../math/interpolation-weights.js';

/**
 * Weights of the Adams–Bashforth method on any grid: ∫ from levels[0] to `sigmaNext` of the polynomial in σ through the
 * slopes at `levels`, newest first.
 *
 * For equal steps they are the tabulated ones (3/2, −1/2; 23/12, −16/12, 5/12; …) times the step.
 */
export function adamsBashforthWeights(levels: readonly number[], sigmaNext: number): readonly number[] {
  return interpolationWeights(levels, gaussRule(levels[0]!, sigmaNext));
}
