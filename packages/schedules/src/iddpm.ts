import { ScheduleError } from './schedule-error.js';

/** The noise levels that an iDDPM model was trained on. */
export interface IddpmTable {
  /** u_0 > … > u_M = 0, [M + 1]. */
  readonly u: Float64Array;
  /** Index of the entry nearest to σ; the lower index where two are as near. */
  indexOf(sigma: number): number;
  /** The entry nearest to σ. */
  round(sigma: number): number;
}

/**
 * Noise levels of improved DDPM's cosine schedule.
 *
 * u_M = 0, u_{j−1}² = (u_j² + 1) / max(ᾱ_{j−1}/ᾱ_j, C₁) − 1, ᾱ_j = sin²(π/2 · j / (M·(C₂ + 1))).
 *
 * Source: Karras et al., arXiv:2206.00364, table 1.
 *
 * @throws ScheduleError (E_SCHEDULE) if M is not a positive integer
 */
export function iddpmTable({ M = 1000, C1 = 0.001, C2 = 0.008 } = {}): IddpmTable {
  if (!(Number.isInteger(M) && M >= 1))
    throw new ScheduleError('an iDDPM table has an integer M ≥ 1', M, 'The published models have 1000.');
  const alphaBar = (j: number) => Math.sin((0.5 * Math.PI * j) / (M * (C2 + 1))) ** 2;
  const u = new Float64Array(M + 1);
  for (let j = M; j > 0; j--) {
    const ratio = Math.max(alphaBar(j - 1) / alphaBar(j), C1);
    u[j - 1] = Math.sqrt((u[j]! ** 2 + 1) / ratio - 1);
  }
  const indexOf = (sigma: number) => {
    let nearest = 0;
    for (let j = 1; j <= M; j++) if (Math.abs(sigma - u[j]!) < Math.abs(sigma - u[nearest]!)) nearest = j;
    return nearest;
  };
  return { u, indexOf, round: (sigma) => u[indexOf(sigma)]! };
}
