import { combine, type Scalar, scalar } from '../math/vector.js';
import type { Sigma, Vector } from '../solver.js';

/** A model output and where it was taken. */
export interface ModelPoint {
  /** D(x; σ) under data prediction, the slope (x − D)/σ under noise prediction. */
  readonly model: Vector;
  readonly sigma: Sigma;
}

/**
 * One DPM-Solver++ update from the newest point's σ to `sigmaNext`, of the order that there are points, 1 to 3, newest first.
 *
 * `scale` multiplies the model's part of the update.
 *
 * Source: Lu et al., arXiv:2211.01095, Algorithm 2 (data prediction), and its counterpart for noise prediction.
 */
export function dpmppUpdate(
  x: Vector,
  points: readonly ModelPoint[],
  sigmaNext: Sigma,
  predictX0: boolean,
  scale: Scalar = 1,
): Vector {
  const levels = points.map(({ sigma }) => sigma);
  const kept = predictX0 ? scalar((to, from) => to! / from!, sigmaNext, levels[0]!) : 1;
  const weight = (k: number) =>
    scalar((c, to, ...from) => c! * modelWeights(from, to!, predictX0)[k]!, scale, sigmaNext, ...levels);
  return combine([kept, x], ...points.map(({ model }, k) => [weight(k), model] as const));
}

/**
 * What each model output counts for. With λ = −log σ, h the step in λ, r₀ and r₁ the steps before in units of h,
 * d₀ = (m₀ − m₁)/r₀ and d₁ = (m₁ − m₂)/r₁ the model's slopes, and z = −h (data) or h (noise prediction):
 *
 * - φ₁ = e^z − 1, φ₂ = φ₁/z − 1, φ₃ = φ₂/z − ½; unit: −1 (data), −σ' (noise).
 * - order 1: unit·φ₁m₀
 * - order 2: unit·(φ₁m₀ + ½φ₁d₀)
 * - order 3: unit·(φ₁m₀ + φ₂D₁ + φ₃D₂) with D₁ = d₀ + r₀/(r₀+r₁)·(d₀ − d₁), D₂ = (d₀ − d₁)/(r₀+r₁)
 *
 * D₂ is half the model's curvature, as in the published code, so a step of order 3 errs by h³ as one of order 2 does, with
 * a smaller constant.
 */
function modelWeights(levels: readonly number[], sigmaNext: number, predictX0: boolean): number[] {
  const [s0, s1, s2] = levels as [number, number?, number?];
  const h = Math.log(s0 / sigmaNext);
  const z = predictX0 ? -h : h;
  const unit = predictX0 ? -1 : -sigmaNext;
  const phi1 = Math.expm1(z);
  if (s1 === undefined) return [unit * phi1];

  const r0 = Math.log(s1 / s0) / h;
  if (s2 === undefined) return [unit * (phi1 + phi1 / (2 * r0)), (-unit * phi1) / (2 * r0)];

  const r1 = Math.log(s2 / s1) / h;
  const phi2 = phi1 / z - 1;
  const phi3 = phi2 / z - 0.5;
  const ofD1 = -(phi2 * r0 + phi3) / (r0 + r1);
  const ofD0 = phi2 - ofD1;
  return [unit * (phi1 + ofD0 / r0), unit * (ofD1 / r1 - ofD0 / r0), (-unit * ofD1) / r1];
}
