import { integer } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { combine, slopeAt } from '../math/vector.js';
import { ipndmWeights } from '../methods/ipndm.js';
import type { Solver, Vector } from '../solver.js';
import { compileLinear } from '../table/compile.js';
import { generator, type Parameter, type TableFamily } from './generator.js';
import { ENTRY_STEP, LAST_STEP } from './table.js';

/** Steps of differences: of a weight at most, and of the scale of a noise level. */
const WEIGHT_STEP = 0.02;
const SCALE_STEP = 1e-2;

/**
 * DyWeight: x + (σ_(k+1) − τ_k)·Σ_j w_kj·slope_j over the last slopes, with weights whose sum is free. Where it isn't 1 the
 * state is taken to be elsewhere: τ_(k+1) = τ_k + (σ_(k+1) − τ_k)·Σ_j w_kj, from τ_0 = σ_0.
 *
 * One evaluation per interval, told |s_k·τ_k|; the slope divides by τ_k.
 *
 * - Parameters, N intervals: N scales (one less under the analytical first step), and as many weights as there are slopes
 *   in the window: of 3, 3N − 3. It reads nothing of the start but its noise levels, and begins at `ipndm` of the window's
 *   order, at most 4.
 * - Source: DyWeight, arXiv:2603.11607, less its 10⁻⁸ beside τ, which keeps from dividing by 0.
 */
export const dyweightGenerator = generator({
  name: 'dyweight',
  description: 'weights of the last slopes, their sum free, and scales of the noise levels told',
  options: { window: integer(1, 8, 3, 'Slopes that a step weights, its own included.') },
  evaluations: () => 1,
  make({ window }, start): TableFamily {
    const { sigmas, afs = false } = start;
    const intervals = sigmas.length - 1;
    const isScaled = (k: number) => !(afs && k === 0);
    const steps = Array.from({ length: intervals }, (_, k): Parameter[] => {
      const count = Math.min(window, k + 1);
      const known: readonly number[] = ipndmWeights[Math.min(count, ipndmWeights.length) - 1]!;
      const part = sigmas[k + 1]! / (sigmas[k]! - sigmas[k + 1]!);
      const step = k === intervals - 1 ? LAST_STEP : Math.min(WEIGHT_STEP, part * ENTRY_STEP);
      const weights = Array.from({ length: count }, (_, j) => ({
        name: `weight ${k},${j}`,
        start: known[j] ?? 0,
        step,
      }));
      return isScaled(k) ? [{ name: `scale ${k}`, start: 1, step: SCALE_STEP }, ...weights] : weights;
    });
    return {
      parameters: steps.flat(),
      table(values) {
        let at = 0;
        const all = steps.map(({ length }, k) => {
          const scale = isScaled(k) ? values[at++]! : 1;
          const count = isScaled(k) ? length - 1 : length;
          return { scale, weights: Array.from({ length: count }, () => values[at++]!) };
        });
        return compileLinear({ ...start, solver: weighted(all) });
      },
    };
  },
});

interface WeightedStep {
  /** Of the noise level told. */
  readonly scale: number;
  /** Of the slopes, newest first. */
  readonly weights: readonly number[];
}

interface WeightedState {
  readonly x: Vector;
  /** Where the state is taken to be. */
  readonly tau: number | undefined;
  /** Newest first. */
  readonly slopes: readonly Vector[];
}

const weighted = (steps: readonly WeightedStep[]): Solver<WeightedState> => ({
  name: 'dyweight',
  order: 0,
  init: (x) => ({ x, tau: undefined, slopes: [] }),
  *step({ x, tau: reached, slopes: before }, sigma, sigmaNext) {
    const tau = reached ?? sigma;
    const { scale, weights } = steps[before.length]!;
    const { denoised } = yield* evaluate(x, Math.abs(scale * tau));
    const slopes = [slopeAt(x, denoised, tau), ...before];
    const width = sigmaNext - tau;
    return {
      x: combine([1, x], ...weights.map((weight, j) => [width * weight, slopes[j]!] as const)),
      tau: tau + width * weights.reduce((sum, weight) => sum + weight),
      slopes,
    };
  },
});
