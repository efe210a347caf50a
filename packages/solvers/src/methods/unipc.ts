import { choice } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { slopeAt } from '../math/vector.js';
import { method } from '../method.js';
import type { Solver, Vector } from '../solver.js';
import { checkChoice, checkOptions, checkOrder } from './checks.js';
import type { DpmppOptions } from './dpmpp.js';
import { dpmppChoices, dpmppOptions, dpmppTypes } from './dpmpp.js';
import { checkThresholding, threshold } from './threshold.js';
import { type UnipcPoint, type UnipcVariant, unipcUpdate } from './unipc-update.js';

/** As for `dpmpp`, and the choice of B(h). */
export interface UnipcOptions extends DpmppOptions {
  /** The paper's B(h): `bh1` is h, `bh2` is e^h − 1. Default `bh2`. */
  readonly variant?: UnipcVariant;
}

/** A UniPC solve between steps: x [n × size], not corrected yet, and the evaluations that it goes on from. */
export interface UnipcState {
  readonly x: Vector;
  /** Samples in x. */
  readonly n: number;
  /** What the model said, newest first: where x was predicted, and before; at most maxOrder. Empty: not asked yet. */
  readonly points: readonly UnipcPoint[];
}

/**
 * UniPC, multistep: the probability-flow ODE in λ = −log σ with its linear part solved exactly, each step predicted from
 * the last maxOrder evaluations, then corrected with the evaluation at the prediction, which opens the next step.
 *
 * One evaluation per interval: two in the first, none in the last, which is not corrected.
 *
 * - Order 2 with `lowerOrderFinal`, since the last step is of first order, or for maxOrder 1; else 3, the order of the
 *   corrected first step. A step from an exact history errs by h^(order + 2), an uncorrected one by h^(order + 1).
 * - Source: Zhao et al., arXiv:2302.04867, section 3, with the options of `dpmpp`; thresholding as in
 *   arXiv:2205.11487.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2 or 3, or dynamic thresholding has no D to keep in bounds
 */
export function unipc(options: UnipcOptions = {}): Solver<UnipcState> {
  checkOptions('unipc', options, { ...dpmppTypes, variant: 'string' });
  const {
    maxOrder = 3,
    predictX0 = true,
    thresholding = 'none',
    lowerOrderFinal = true,
    variant = 'bh2',
  } = options;
  checkOrder('unipc', maxOrder, 3);
  checkThresholding('unipc', { predictX0, thresholding });
  checkChoice('unipc', 'variant', variant, ['bh1', 'bh2']);
  return {
    name: 'unipc',
    order: maxOrder === 1 || lowerOrderFinal ? 2 : 3,
    init: (x, n) => ({ x, n, points: [] }),
    *step({ x, n, points }, sigma, sigmaNext, remaining) {
      function* ask(at: Vector, level: number) {
        const { denoised } = yield* evaluate(at, level);
        return predictX0 ? threshold(denoised, n, thresholding) : slopeAt(at, denoised, level);
      }
      const all = points.length > 0 ? points : [{ model: yield* ask(x, sigma), sigma }];
      // A step that still gathers history is not lowered, even if it is the last.
      const order = all.length < maxOrder || !lowerOrderFinal ? all.length : Math.min(maxOrder, remaining);
      const used = all.slice(0, order);
      const predicted = unipcUpdate(x, used, sigmaNext, predictX0, variant);
      if (remaining === 1) return { x: predicted, n, points: [] };
      const model = yield* ask(predicted, sigmaNext);
      return {
        x: unipcUpdate(x, used, sigmaNext, predictX0, variant, model),
        n,
        points: [{ model, sigma: sigmaNext }, ...all].slice(0, maxOrder),
      };
    },
  };
}

export const unipcMethod = method({
  name: 'unipc',
  elsewhere: { uni_pc: '', uni_pc_bh2: '', unipc_bh1: 'variant: bh1', uni_pc_bh1: 'variant: bh1' },
  evaluations: 1,
  options: {
    ...dpmppChoices,
    variant: choice(['bh1', 'bh2'], 'bh2', 'B(h) of its lowest orders: h (bh1) or e^h − 1 (bh2).'),
  },
  make: ({ variant, ...chosen }) => unipc({ ...dpmppOptions(chosen), variant }),
});
