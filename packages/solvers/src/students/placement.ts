import { number, type OptionValues } from '@fewstep/schedules';
import { type Scalar, scalar } from '../math/vector.js';
import { around, between, type Output } from '../output.js';
import type { Evaluation, Predict, Request, Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { opening } from './opening.js';

/** What a spec may tell a student with an intermediate time. */
export const placementChoices = {
  scale_dir: number(
    { minimum: 0, maximum: 1 },
    0.01,
    'How far the direction may be scaled: between 1 − scale_dir and 1 + scale_dir. 0: never.',
  ),
  scale_time: number(
    { minimum: 0, exclusiveMaximum: 1 },
    0,
    'How far the time given to the network may be scaled: between 1 − scale_time and 1 + scale_time. 0: never.',
  ),
};

/**
 * The outputs that place an intermediate time: r, and those of the scales that may leave 1.
 *
 * - σ_mid = σ_(k+1)^r · σ_k^(1 − r).
 * - Source: AMED-Solver, arXiv:2312.00094, section 3.3.
 *
 * @throws SolverError (E_SOLVER) if a scale's reach is not from 0 to 1
 */
export function placement(reach: Partial<OptionValues<typeof placementChoices>>): readonly Output[] {
  const r: Output = {
    name: 'r',
    count: 1,
    range: between(0, 1),
    moves: true,
    start: ({ sigma, middle, sigmaNext }) => Math.log(sigma / middle) / Math.log(sigma / sigmaNext),
  };
  const scales = (
    [
      ['scale_dir', false],
      ['scale_time', true],
    ] as const
  ).flatMap(([name, moves]) => {
    const { [name]: far = 0 } = reach;
    if (!(far >= 0 && (moves ? far < 1 : far <= 1)))
      throw solverFault(
        `${name} is how far a scale may leave 1, so from 0 to 1${moves ? ', and below it, since no noise level is 0' : ''}; found ${far}. The paper uses 0.01 for scale_dir and 0 or 0.2 for scale_time.`,
        { name, found: far },
      );
    return far > 0 ? [{ name, count: 1, range: around(1, far), moves, start: () => 1 }] : [];
  });
  return [r, ...scales];
}

/** What students with an intermediate time declare alike. */
export const placing = { evaluations: 2, options: placementChoices, outputs: placement };

/** The intermediate noise level of a step: between its ends, r of the way in log σ. */
export const middleOf = (r: number, sigma: number, sigmaNext: number): number =>
  sigmaNext ** r * sigma ** (1 - r);

/** An opened step whose middle is placed. */
interface Placed {
  readonly denoised: Vector;
  readonly r: Vector;
  readonly scaleDir: Scalar;
  /** The intermediate noise level, [n]. */
  readonly sigmaMid: Scalar;
  /** The noise level that the denoiser is told at the middle point, [n]. */
  readonly sigmaAsked: Scalar;
}

/**
 * Opens a step, and places its middle. A scale that the predictor doesn't give is 1.
 *
 * @throws SolverError (E_DENOISED) if the evaluation brings no bottleneck, E_SOLVER if the predictor is of another student
 */
export function* placed(
  predict: Predict,
  x: Vector,
  sigma: number,
  sigmaNext: number,
): Generator<Request, Placed, Evaluation> {
  const { denoised, steering } = yield* opening(predict, x, sigma, sigmaNext);
  const { r, scale_dir: scaleDir = 1, scale_time: scaleTime = 1 } = steering;
  if (!r)
    throw solverFault(
      `a predictor places the middle of a step by r; found ${Object.keys(steering).join(', ') || 'nothing'}. Take one whose outputs are placement({ … }).`,
      { found: Object.keys(steering) },
    );
  const sigmaMid = scalar((r) => middleOf(r!, sigma, sigmaNext), r);
  return { denoised, r, scaleDir, sigmaMid, sigmaAsked: scalar((c, s) => c! * s!, scaleTime, sigmaMid) };
}
