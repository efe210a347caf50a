import { phi } from '../math/phi.js';
import { solveVandermonde } from '../math/vandermonde.js';
import { combine } from '../math/vector.js';
import type { Vector } from '../solver.js';

/** A model output, D(x; σ) or the slope (x − D)/σ, and where it was taken. */
export interface UnipcPoint {
  readonly model: Vector;
  readonly sigma: number;
}

/** The B(h) of Zhao et al., arXiv:2302.04867, section 3.1: h, or e^h − 1. */
export type UnipcVariant = 'bh1' | 'bh2';

/**
 * One UniPC update from the newest point's σ to `sigmaNext`: UniP of the order that there are points, newest first, and
 * UniC of the same order if the model's output at `sigmaNext` is given.
 *
 * With λ = −log σ, h the step in λ, z = −h (data) or h (noise prediction), r_k the other points in λ from the newest in
 * units of h, and D_k = m_k − m_0:
 *
 * - unit·((e^z − 1)·m_0 + B·Σ_k (ρ_k/r_k)·D_k), unit: −1 (data), −σ' (noise); B: z (bh1) or e^z − 1 (bh2)
 * - Σ_k ρ_k·r_k^(i−1) = z·φ_(i+1)(z)·i!/B, i = 1, 2, …; a single ρ is ½ instead, which keeps the order and is all that
 *   the two B differ in.
 *
 * Source: Zhao et al., arXiv:2302.04867, section 3 (UniC, UniP).
 */
export function unipcUpdate(
  x: Vector,
  points: readonly UnipcPoint[],
  sigmaNext: number,
  predictX0: boolean,
  variant: UnipcVariant,
  modelNext?: Vector,
): Vector {
  const [newest, ...older] = points as [UnipcPoint, ...UnipcPoint[]];
  const others = modelNext === undefined ? older : [...older, { model: modelNext, sigma: sigmaNext }];
  const h = Math.log(newest.sigma / sigmaNext);
  const z = predictX0 ? -h : h;
  const unit = predictX0 ? -1 : -sigmaNext;
  const B = variant === 'bh1' ? z : Math.expm1(z);

  const r = others.map(({ sigma }) => Math.log(newest.sigma / sigma) / h);
  const rho = others.length === 1 ? [1 / 2] : solveVandermonde(r, moments(others.length, z, B));
  const weights = rho.map((value, k) => (B * value) / r[k]!);
  const ofNewest = weights.reduce((rest, weight) => rest - weight, Math.expm1(z));
  return combine(
    [predictX0 ? sigmaNext / newest.sigma : 1, x],
    [unit * ofNewest, newest.model],
    ...others.map(({ model }, k) => [unit * weights[k]!, model] as const),
  );
}

/** z·φ_(i+1)(z)·i!/B for i = 1, …, count. */
function moments(count: number, z: number, B: number): number[] {
  let factorial = 1;
  return Array.from({ length: count }, (_, k) => {
    factorial *= k + 1;
    return (z * phi(k + 2, z) * factorial) / B;
  });
}
