import { choice, vpThrough } from '@fewstep/schedules';
import { gaussRule, type QuadraturePoint } from '../math/gauss-rule.js';
import { interpolationWeights } from '../math/interpolation-weights.js';
import { method } from '../method.js';
import type { Solver } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { adamsBashforthWeights } from './adams-bashforth.js';
import { checkChoice, checkOptions, checkOrder } from './checks.js';
import { ipndmChoices } from './ipndm.js';
import { type MultistepState, multistep } from './multistep.js';

/** What `deis` extrapolates in, and from how many evaluations. */
export interface DeisOptions {
  /** 1, 2, 3 or 4. Default 4. */
  readonly maxOrder?: number;
  /** What the slopes are a polynomial in: `tab`, the time of a variance-preserving process; `rhoab`, σ. Default `tab`. */
  readonly deisMode?: 'tab' | 'rhoab';
  /** `tab` only: the model's smallest noise level, where that time is 0.001. Default 0.002. */
  readonly sigmaMin?: number;
  /** `tab` only: the model's largest noise level, where that time is 1. Default 80. */
  readonly sigmaMax?: number;
}

/**
 * DEIS: an exponential integrator whose slopes are extrapolated by a polynomial, in t (tAB) or in σ (ρAB), its order
 * growing from 1 to maxOrder over the first steps.
 *
 * One evaluation per interval.
 *
 * - Order 2 for maxOrder ≥ 2 (the start is an Euler step), 1 for maxOrder 1, which is Euler's method. A step from an exact
 *   history errs by h^(maxOrder + 1).
 * - `tab` takes t from the linear variance-preserving process with t(σ_max) = 1 and t(σ_min) = 0.001, as the schedule
 *   time_uniform does; in a range so narrow that its β would fall in t, from the one with β(0) = 0 and t(σ_max) = 1. It
 *   sees σ against 1, the deviation of the data: scaling data and noise alike changes the result.
 * - `rhoab` needs no range and is `ipndmV`.
 * - Source: Zhang and Chen, arXiv:2204.13902, tAB- and ρAB-DEIS. In x = image + σ·noise the linear part is nothing, so
 *   that the weights are ∫ ℓ_k(t(σ)) dσ, ℓ_k the Lagrange polynomials.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2, 3 or 4, or if sigmaMin and sigmaMax are no range
 */
export function deis(options: DeisOptions = {}): Solver<MultistepState> {
  checkOptions('deis', options, {
    maxOrder: 'number',
    deisMode: 'string',
    sigmaMin: 'number',
    sigmaMax: 'number',
  });
  const { maxOrder = 4, deisMode = 'tab', sigmaMin = 0.002, sigmaMax = 80 } = options;
  checkOrder('deis', maxOrder, 4);
  checkChoice('deis', 'deis_mode', deisMode, ['tab', 'rhoab']);
  return multistep(
    'deis',
    maxOrder,
    deisMode === 'tab' ? tabWeights(sigmaMin, sigmaMax) : adamsBashforthWeights,
  );
}

/** ∫ from levels[0] to σ' of the polynomial in t through the slopes at `levels`. */
function tabWeights(sigmaMin: number, sigmaMax: number) {
  const tOfSigma = timeThrough(sigmaMin, sigmaMax);
  return (levels: readonly number[], sigmaNext: number): readonly number[] => {
    const rule = logRule(levels[0]!, sigmaNext).map(([s, weight]) => [tOfSigma(s), weight] as const);
    return interpolationWeights(levels.map(tOfSigma), rule);
  };
}

function timeThrough(sigmaMin: number, sigmaMax: number): (sigma: number) => number {
  if (!(0 < sigmaMin && sigmaMin < sigmaMax && sigmaMax < Infinity))
    throw solverFault(
      `deis_mode tab needs 0 < sigma_min < sigma_max < ∞; found ${sigmaMin} and ${sigmaMax}. Give the range that the model was trained on.`,
      { sigmaMin, sigmaMax },
    );
  const ratio = Math.log1p(sigmaMin ** 2) / Math.log1p(sigmaMax ** 2);
  return vpThrough(sigmaMin, sigmaMax, ratio < 0.001 ? 0.001 : Math.sqrt(ratio)).tOfSigma;
}

/** Longest panel of the integral in log σ. t(σ) has its nearest singularities at log σ ± iπ/2, so the error is below rounding. */
const PANEL = 0.1;

/** An integral over σ, taken in log σ, where t(σ) is smooth at every noise level. */
function logRule(from: number, to: number): QuadraturePoint[] {
  const [start, length] = [Math.log(from), Math.log(to / from)];
  const panels = Math.ceil(Math.abs(length) / PANEL);
  return Array.from({ length: panels }, (_, i) =>
    gaussRule(start + (length * i) / panels, start + (length * (i + 1)) / panels),
  )
    .flat()
    .map(([position, weight]) => [Math.exp(position), weight * Math.exp(position)]);
}

export const deisMethod = method({
  name: 'deis',
  elsewhere: { deis_multistep: '', deis_tab: '' },
  evaluations: 1,
  options: {
    ...ipndmChoices,
    deis_mode: choice(
      ['tab', 'rhoab'],
      'tab',
      'What its polynomials are in: the time of a variance-preserving process through sigma_min and sigma_max (tab), or sigma (rhoab, which is ipndm_v).',
    ),
  },
  make: ({ max_order, deis_mode }, range) => deis({ maxOrder: max_order, deisMode: deis_mode, ...range }),
});
