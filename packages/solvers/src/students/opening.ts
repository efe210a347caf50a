import { number } from '@fewstep/schedules';
import { BOTTLENECK_SIZE } from '../drive/analytical-first-step.js';
import { evaluate } from '../drive/evaluate.js';
import { type Scalar, scalar } from '../math/vector.js';
import type { Evaluation, Predict, Request, Steering, Vector } from '../solver.js';
import { SolverError } from '../solver-error.js';

/** What a spec may tell a predictor of any student. */
export const scaleChoices = {
  scale_dir: number(
    { minimum: 0, maximum: 1 },
    0.01,
    'How far the predictor may scale the direction: between 1 − scale_dir and 1 + scale_dir. 0: never.',
  ),
  scale_time: number(
    { minimum: 0, maximum: 1 },
    0,
    'How far the predictor may scale the time given to the network: between 1 − scale_time and 1 + scale_time. 0: never.',
  ),
};

/** What a student knows once its step is open. */
interface Opening extends Steering {
  /** D(x; σ). */
  readonly denoised: Vector;
  /** The intermediate noise level σ'^r · σ^(1−r), [n]. */
  readonly sigmaMid: Scalar;
  /** The noise level that the denoiser is told at the middle point, scaleTime · sigmaMid, [n]. */
  readonly sigmaAsked: Scalar;
}

/**
 * The evaluation that opens a student's step, and where the predictor then places the middle of it.
 *
 * Source: AMED-Solver, arXiv:2312.00094.
 *
 * @throws SolverError (E_DENOISED) if the evaluation brings no bottleneck
 */
export function* opening(
  predict: Predict,
  x: Vector,
  sigma: number,
  sigmaNext: number,
): Generator<Request, Opening, Evaluation> {
  const { denoised, bottleneck } = yield* evaluate(x, sigma);
  if (!bottleneck || bottleneck.length === 0 || bottleneck.length % BOTTLENECK_SIZE !== 0)
    throw new SolverError(
      'E_DENOISED',
      `a predictor reads the bottleneck of the evaluation that opens a step, ${BOTTLENECK_SIZE} numbers per sample; found ${bottleneck ? `${bottleneck.length} numbers` : 'none'} at σ = ${sigma}. Use a denoiser that has the bottleneck as an output, or the plain solver.`,
      { sigma, found: bottleneck?.length },
    );
  const steering = predict(bottleneck, sigma, sigmaNext);
  const sigmaMid = scalar((r) => sigmaNext ** r! * sigma ** (1 - r!), steering.r);
  return {
    ...steering,
    denoised,
    sigmaMid,
    sigmaAsked: scalar((c, s) => c! * s!, steering.scaleTime, sigmaMid),
  };
}
