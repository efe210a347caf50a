import type { NoiseTable } from './noise-table.js';

/**
 * How the noise levels of a solve are spaced between σ_max and σ_min.
 *
 * - `polynomial`: σ^(1/ρ) evenly (EDM, arXiv:2206.00364, eq. 5; ρ = 7 there).
 * - `logsnr`: log σ evenly (DPM-Solver, arXiv:2206.00927).
 * - `time_uniform`: t^(1/ρ) evenly in the time of a variance-preserving process whose σ(1) = σ_max and σ(0.001) = σ_min.
 * - `discrete`: t^(1/ρ) evenly in the time of a model that was trained on a table of noise levels.
 * - `explicit`: the list itself, descending.
 */
export type Schedule =
  | { readonly type: 'polynomial'; readonly rho: number }
  | { readonly type: 'logsnr' }
  | { readonly type: 'time_uniform'; readonly rho: number }
  | { readonly type: 'discrete'; readonly rho: number; readonly table: NoiseTable }
  | { readonly type: 'explicit'; readonly sigmas: ArrayLike<number> };

/** What a schedule fills. `numSteps` counts timestamps, so there are numSteps − 1 intervals. */
export interface Span {
  readonly numSteps: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}
