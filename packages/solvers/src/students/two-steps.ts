import { evaluate } from '../drive/evaluate.js';
import type { Scalar } from '../math/vector.js';
import type { Solver, SolverState, Student, Vector } from '../solver.js';
import { placed } from './placement.js';

/** One step of a method from a state, given what the denoiser said there. `remaining`: steps still to go, with this one. */
type Advance<State> = (
  state: State,
  denoised: Vector,
  sigma: Scalar,
  sigmaNext: Scalar,
  remaining: number,
  scale?: Scalar,
) => State;

/**
 * A method with a predictor (AMED-Plugin): two of its steps, over the intermediate time, that share one history.
 *
 * Two evaluations per interval. `scale_dir` multiplies what the second step adds.
 *
 * - Order, options: as the method's.
 * - Source: Zhou et al., arXiv:2312.00094.
 */
export const twoSteps = <State extends SolverState>(
  { name, order, init }: Solver<State>,
  advance: Advance<State>,
  singleStep = false,
): Student<State> => ({
  name,
  singleStep,
  steered: (predict) => ({
    name,
    order,
    init,
    *step(state, sigma, sigmaNext, remaining) {
      const opened = yield* placed(predict, state.x, sigma, sigmaNext);
      const { denoised, sigmaMid, sigmaAsked, scaleDir } = opened;
      const middle = advance(state, denoised, sigma, sigmaMid, 2 * remaining);
      const there = (yield* evaluate(middle.x, sigmaAsked)).denoised;
      return advance(middle, there, sigmaMid, sigmaNext, 2 * remaining - 1, scaleDir);
    },
  }),
});
