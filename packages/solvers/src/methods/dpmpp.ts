import { dataChoice, flag, integer, type OptionValues } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Sigma, Solver, Vector } from '../solver.js';
import { checkOptions, checkOrder } from './checks.js';
import { dpmppUpdate, type ModelPoint } from './dpmpp-update.js';
import { checkThresholding, type Thresholding, threshold, thresholdings } from './threshold.js';

/** What `dpmpp` and its student extrapolate, and from how many evaluations. */
export interface DpmppOptions {
  /** 1, 2 or 3. Default 3. */
  readonly maxOrder?: number;
  /** true: the model is D; false: it is the slope. Default true. */
  readonly predictX0?: boolean;
  /** `dynamic`: D is kept in [−1, 1], for data that are; with `predictX0` alone. Default `none`. */
  readonly thresholding?: Thresholding;
  /** The last steps fall back to lower orders, which is steadier with few steps. Default true. */
  readonly lowerOrderFinal?: boolean;
}

/** Of which types they are. */
export const dpmppTypes = {
  maxOrder: 'number',
  predictX0: 'boolean',
  thresholding: 'string',
  lowerOrderFinal: 'boolean',
} as const;

/** A DPM-Solver++ solve between steps: x [n × size] and the evaluations that it goes on from. */
export interface DpmppState {
  readonly x: Vector;
  /** Samples in x. */
  readonly n: number;
  /** The model at the evaluations before, newest first; at most maxOrder − 1. */
  readonly points: readonly ModelPoint[];
}

/** The state that a solve with DPM-Solver++ starts from. */
function dpmppStart(x: Vector, n: number): DpmppState {
  return { x, n, points: [] };
}

/**
 * One DPM-Solver++ step from `sigma` to `sigmaNext`, given what the denoiser said at x.
 *
 * `remaining`: steps still to go, this one included. `scale` multiplies the model's part.
 */
export function dpmppAdvance(
  { x, n, points }: DpmppState,
  denoised: Vector,
  sigma: Sigma,
  sigmaNext: Sigma,
  remaining: number,
  { maxOrder = 3, predictX0 = true, thresholding = 'none', lowerOrderFinal = true }: DpmppOptions,
  scale: Sigma = 1,
): DpmppState {
  const model = predictX0 ? threshold(denoised, n, thresholding) : slopeAt(x, denoised, sigma);
  const all = [{ model, sigma }, ...points];
  // A step that still gathers history is not lowered, even if it is the last.
  const order = all.length < maxOrder || !lowerOrderFinal ? all.length : Math.min(maxOrder, remaining);
  return {
    x: dpmppUpdate(x, all.slice(0, order), sigmaNext, predictX0, scale),
    n,
    points: all.slice(0, maxOrder - 1),
  };
}

/**
 * DPM-Solver++, multistep: the probability-flow ODE in λ = −log σ, its linear part solved exactly, the model's part from
 * the last maxOrder evaluations.
 *
 * One evaluation per interval.
 *
 * - Order 2 for maxOrder ≥ 2 (the first step is of order 1), 1 for maxOrder 1, which is Euler's method; with dynamic
 *   thresholding towards the flow of the thresholded D, which is the model's own only for data in [−1, 1].
 * - Source: Lu et al., arXiv:2211.01095, Algorithm 2; thresholding as in arXiv:2205.11487.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2 or 3, or dynamic thresholding has no D to keep in bounds
 */
export function dpmpp(options: DpmppOptions = {}): Solver<DpmppState> {
  checkOptions('dpmpp', options, dpmppTypes);
  const { maxOrder = 3 } = options;
  checkOrder('dpmpp', maxOrder, 3);
  checkThresholding('dpmpp', options);
  return {
    name: 'dpmpp',
    order: Math.min(maxOrder, 2),
    init: dpmppStart,
    *step(state, sigma, sigmaNext, remaining) {
      const { denoised } = yield* evaluate(state.x, sigma);
      return dpmppAdvance(state, denoised, sigma, sigmaNext, remaining, options);
    },
  };
}

/** What a spec may tell those that solve the linear part exactly. */
export const dpmppChoices = {
  max_order: integer(1, 3, 3, 'Highest order.'),
  predict_x0: flag(true, 'Predict the denoised image, or the noise.'),
  thresholding: dataChoice(
    thresholdings,
    { pixels: 'dynamic', latents: 'none' },
    'predict_x0',
    'With predict_x0: keep the denoised image in −1…1, where pixels are and latents are not (dynamic), or leave it (none).',
  ),
  lower_order_final: flag(true, 'Lower the order in the last steps.'),
};
export const dpmppOptions = (chosen: OptionValues<typeof dpmppChoices>): DpmppOptions => ({
  maxOrder: chosen.max_order,
  predictX0: chosen.predict_x0,
  thresholding: chosen.thresholding ?? 'none',
  lowerOrderFinal: chosen.lower_order_final,
});

export const dpmppMethod = method({
  name: 'dpmpp',
  elsewhere: {
    'dpm++': '',
    dpm_solver_pp: '',
    'dpm_solver++': '',
    dpmsolver_multistep: '',
    dpmpp_2m: 'max_order: 2',
    'dpm++_2m': 'max_order: 2',
    dpmpp_3m: 'max_order: 3',
    'dpm++_3m': 'max_order: 3',
  },
  evaluations: 1,
  options: dpmppChoices,
  make: (chosen) => dpmpp(dpmppOptions(chosen)),
});
