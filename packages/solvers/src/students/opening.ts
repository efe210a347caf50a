import { evaluate } from '../drive/evaluate.js';
import {
  BOTTLENECK_SIZE,
  type Evaluation,
  type Predict,
  type Request,
  type Sigma,
  type Steering,
  type Vector,
} from '../solver.js';
import { SolverError } from '../solver-error.js';

/** What a student knows once its step is open. */
interface Opening {
  /** D(x; σ). */
  readonly denoised: Vector;
  readonly steering: Steering;
}

/**
 * The evaluation that opens a student's step, and what the predictor then says.
 *
 * `told`: the noise level that the network is told, where that is not the one that the step begins at.
 *
 * @throws SolverError (E_DENOISED) if the evaluation brings no bottleneck
 */
export function* opening(
  predict: Predict,
  x: Vector,
  sigma: number,
  sigmaNext: number,
  told: Sigma = sigma,
): Generator<Request, Opening, Evaluation> {
  const { denoised, bottleneck } = yield* evaluate(x, told);
  if (!bottleneck || bottleneck.length === 0 || bottleneck.length % BOTTLENECK_SIZE !== 0)
    throw new SolverError(
      'E_DENOISED',
      `a predictor reads the bottleneck of the evaluation that opens a step, ${BOTTLENECK_SIZE} numbers per sample; found ${bottleneck ? `${bottleneck.length} numbers` : 'none'} at σ = ${sigma}. Use a denoiser that has the bottleneck as an output, or the plain solver.`,
      { sigma, found: bottleneck?.length },
    );
  return { denoised, steering: predict(bottleneck, sigma, sigmaNext) };
}
