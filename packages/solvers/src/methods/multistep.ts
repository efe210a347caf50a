import { evaluate } from '../drive/evaluate.js';
import { combine, slopeAt } from '../math/vector.js';
import type { Solver, Vector } from '../solver.js';

/** dx/dσ at an evaluation, and where it was. */
export interface SlopePoint {
  readonly slope: Vector;
  readonly sigma: number;
}

/** A solve by `ipndmV` or `deis` between steps: x [n × size] and the evaluations that it goes on from. */
export interface MultistepState {
  readonly x: Vector;
  /** The evaluations before, newest first; at most maxOrder − 1. */
  readonly points: readonly SlopePoint[];
}

/**
 * An explicit linear multistep method for the probability-flow ODE: x + Σ_k w_k·slope_k over the last maxOrder
 * evaluations, or as many as there are. One evaluation per interval.
 *
 * `weights`: of the slopes at these noise levels, newest first, for the interval from levels[0] to `sigmaNext`.
 */
export function multistep(
  name: string,
  maxOrder: number,
  weights: (levels: readonly number[], sigmaNext: number) => readonly number[],
): Solver<MultistepState> {
  return {
    name,
    order: Math.min(maxOrder, 2),
    init: (x) => ({ x, points: [] }),
    *step({ x, points }, sigma, sigmaNext) {
      const { denoised } = yield* evaluate(x, sigma);
      const all = [{ slope: slopeAt(x, denoised, sigma), sigma }, ...points];
      const levels = all.map((point) => point.sigma);
      const w = weights(levels, sigmaNext);
      return {
        x: combine([1, x], ...all.map(({ slope }, k) => [w[k]!, slope] as const)),
        points: all.slice(0, maxOrder - 1),
      };
    },
  };
}
