import { minimum } from '../minimum.js';
import { integer } from '../options.js';
import { scheduleFamily } from '../schedule.js';
import { ScheduleError } from '../schedule-error.js';
import { between } from '../spacing.js';

/** Steps whose terms are bounded each for itself, so that they can't cancel out. */
const apart = 3;
/** Its time grows with the cube of them, and its levels crowd at the start. */
const mostSteps = 41;

/**
 * A bound of the error of a multistep solver of order 3 that takes the network's image along e^λ dλ, λ = −log σ, as UniPC and
 * DPM-Solver++ do, if the image at σ is wrong by up to σ_vp^p/α = σ^p (1 + σ²)^((1−p)/2).
 *
 * Step i weighs the image of node n by w_in = ∫ e^λ ℓ_n(λ) dλ from λ_i to λ_i+1, ℓ_n the Lagrange polynomials of nodes i, i − 1
 * and i − 2; the first two steps and the last two have orders 1 and 2. The bound is Σ_n |Σ_i w_in| err_n, where the terms of
 * a first-order step, and of steps below `apart`, are taken by themselves: ‖(w_in err_n)_n‖.
 *
 * - `lambda`: ascending, one for each timestamp.
 */
export function errorBound(lambda: Float64Array, p: number): number {
  const steps = lambda.length - 1;
  const errors = lambda.map((l) => {
    const sigma = Math.exp(-l);
    return sigma * (sigma / Math.sqrt(1 + sigma * sigma)) ** (p - 1);
  });
  const together = new Float64Array(steps);
  let bound = 0;
  for (let i = 0; i < steps; i++) {
    const order = Math.min(i + 1, steps - i, 3);
    const scale = Math.exp(lambda[i]!);
    const isApart = order === 1 || i < apart;
    let squares = 0;
    weightsOf(order, lambda, i).forEach((weight, k) => {
      const term = scale * weight * errors[i - k]!;
      if (isApart) squares += term * term;
      else together[i - k]! += term;
    });
    bound += Math.sqrt(squares);
  }
  for (const term of together) bound += Math.abs(term);
  return bound;
}

/** ∫ e^τ ℓ(τ) dτ over step i, τ = λ − λ_i, for its newest node, the one before it and the one before that. */
function weightsOf(order: number, lambda: Float64Array, i: number): number[] {
  const [m0, m1, m2] = moments(lambda[i + 1]! - lambda[i]!);
  if (order === 1) return [m0];
  const a = lambda[i]! - lambda[i - 1]!;
  if (order === 2) return [m0 + m1 / a, -m1 / a];
  const b = lambda[i]! - lambda[i - 2]!;
  return [(m2 + (a + b) * m1) / (a * b) + m0, -(m2 + b * m1) / (a * (b - a)), (m2 + a * m1) / (b * (b - a))];
}

/** ∫ τ^k e^τ dτ from 0 to h, k = 0, 1, 2. */
function moments(h: number): readonly [number, number, number] {
  const end = Math.exp(h);
  if (h >= 1) {
    const m1 = h * end - Math.expm1(h);
    return [Math.expm1(h), m1, h * h * end - 2 * m1];
  }
  // these differences cancel out in a short step, and their sum does not
  let m2 = 0;
  for (let n = 0, power = h * h * h; power > 1e-17 * m2; power *= h / ++n) m2 += power / (n + 3);
  const m1 = (h * h * end - m2) / 2;
  return [Math.expm1(h), m1, m2];
}

/** Ascending from λ_0 to λ_N, the gaps between in the ratio of e^u. */
function spaced(first: number, last: number, u: Float64Array): Float64Array {
  const gaps = u.map(Math.exp);
  const whole = gaps.reduce((sum, gap) => sum + gap, 0);
  const lambda = new Float64Array(u.length + 1).fill(first);
  let sum = 0;
  gaps.forEach((gap, i) => {
    sum += gap;
    lambda[i + 1] = first + (last - first) * (sum / whole);
  });
  return lambda;
}

/**
 * The levels where a bound of the solver's error is least; nothing is asked of the network.
 *
 * It is sought from levels even in log σ. Above 7 intervals the published code takes no steps apart; its bound is then least
 * where errors cancel out that the network never makes (80, 20, 0.4, … of 8 intervals), and its schedule is wherever its
 * optimiser stopped. Here the first steps stay apart.
 *
 * Source: Xue et al., Accelerating diffusion sampling with optimized time steps, arXiv:2402.17376, and its published code (MIT).
 */
export const dmn = scheduleFamily({
  name: 'dmn',
  spacing: 'where a bound of a third-order multistep solver’s error is least',
  options: {
    p: integer(
      1,
      2,
      1,
      'Power of σ in the error that it assumes of the network, σ^p/α: published are 1 for pixels, 2 for latents.',
    ),
  },
  isWhole: true,
  levels(span, { p }) {
    const { numSteps, sigmaMin, sigmaMax } = span;
    if (numSteps > mostSteps)
      throw new ScheduleError(
        `dmn is for few steps: its num_steps must be at most ${mostSteps}`,
        numSteps,
        'Take polynomial or logsnr for many.',
      );
    const [first, last] = [-Math.log(sigmaMax), -Math.log(sigmaMin)];
    const lambda = (u: Float64Array) => spaced(first, last, u);
    const least = minimum((u) => errorBound(lambda(u), p), new Float64Array(numSteps - 1));
    return between(
      span,
      lambda(least).map((l) => Math.exp(-l)),
    );
  },
});
