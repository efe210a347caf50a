import { integer } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { combine, type Scalar, scalar, slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Sigma, Solver, Vector } from '../solver.js';
import { checkOptions, checkOrder } from './checks.js';

/** Adams–Bashforth weights for equal steps, newest slope first, by order − 1. */
export const ipndmWeights = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** From how many evaluations `ipndm`, its student and `ipndmV` extrapolate. */
export interface IpndmOptions {
  /** 1, 2, 3 or 4. Default 4. */
  readonly maxOrder?: number;
}

/** An iPNDM solve between steps: x [n × size] and the slopes that it goes on from, each as long as x. */
export interface IpndmState {
  readonly x: Vector;
  /** Slopes of the evaluations before, newest first; at most maxOrder − 1. */
  readonly slopes: readonly Vector[];
}

/**
 * One iPNDM step from `sigma` to `sigmaNext`, given the slope at x: x + scale·(σ' − σ)·Σ_k w_k·slope_k, with the weights
 * of as many slopes as there are.
 */
export function ipndmAdvance(
  { x, slopes }: IpndmState,
  slope: Vector,
  sigma: Sigma,
  sigmaNext: Sigma,
  maxOrder: number,
  scale: Scalar = 1,
): IpndmState {
  const all = [slope, ...slopes];
  const width = scalar((c, from, to) => c! * (to! - from!), scale, sigma, sigmaNext);
  const weights = ipndmWeights[all.length - 1]!;
  return {
    x: combine([1, x], ...all.map((slope, k) => [scalar((h) => h! * weights[k]!, width), slope] as const)),
    slopes: all.slice(0, maxOrder - 1),
  };
}

/**
 * Improved PNDM: Adams–Bashforth for the probability-flow ODE dx/dσ = (x − D(x; σ)) / σ, its order growing from 1
 * to maxOrder over the first steps.
 *
 * One evaluation per interval.
 *
 * - Order 2 for maxOrder ≥ 2 (the start is an Euler step, and the weights are those of equal steps), 1 for maxOrder 1,
 *   which is Euler's method.
 * - Source: Zhang and Chen, arXiv:2204.13902.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2, 3 or 4
 */
export function ipndm(options: IpndmOptions = {}): Solver<IpndmState> {
  checkOptions('ipndm', options, { maxOrder: 'number' });
  const { maxOrder = 4 } = options;
  checkOrder('ipndm', maxOrder, ipndmWeights.length);
  return {
    name: 'ipndm',
    order: Math.min(maxOrder, 2),
    init: (x) => ({ x, slopes: [] }),
    *step(state, sigma, sigmaNext) {
      const { denoised } = yield* evaluate(state.x, sigma);
      return ipndmAdvance(state, slopeAt(state.x, denoised, sigma), sigma, sigmaNext, maxOrder);
    },
  };
}

/** What a spec may tell those that extrapolate slopes. */
export const ipndmChoices = { max_order: integer(1, 4, 4, 'Highest order.') };

export const ipndmMethod = method({
  name: 'ipndm',
  evaluations: 1,
  options: ipndmChoices,
  make: ({ max_order }) => ipndm({ maxOrder: max_order }),
});
