import type { Predict, Steering, Vector } from '../solver.js';
import { BOTTLENECK_SIZE } from '../solver.js';
import { middleOf } from '../students/placement.js';
import { type Predictor, predict } from './predictor.js';

/** A predictor that reads zeros whatever the network shows, so that it steers every image alike. */
export const readingZeros =
  (predict: Predict): Predict =>
  (bottleneck, sigma, sigmaNext) =>
    predict(new Float64Array(bottleneck.length), sigma, sigmaNext);

/**
 * What a predictor decides at a bottleneck of zeros: of each interval its outputs, each [count]. No network is asked.
 *
 * @throws PredictorError (E_PREDICTOR) if its weights aren't as its outputs ask
 */
export function steeringsOfZeros(predictor: Predictor, sigmas: ArrayLike<number>): Steering[] {
  const ask = predict(predictor);
  const zeros = new Float64Array(BOTTLENECK_SIZE);
  return Array.from({ length: sigmas.length - 1 }, (_, k) => ask(zeros, sigmas[k]!, sigmas[k + 1]!));
}

/** A student's steps as a list that a solver without a predictor can follow. */
export interface FixedSteps {
  /** Timestamps and the levels between them, [2N − 1]. */
  readonly sigmas: Vector;
  /** What the direction of the step from each level is scaled by, and σ as the network is told it there; 1 at timestamps. */
  readonly scaleDirs: Vector;
  readonly scaleTimes: Vector;
}

/**
 * The steps of a student whose predictor reads zeros. For those that take two steps of their method over each interval
 * (euler, ipndm, dpmpp) the plain method on this list, with these scales, is that student.
 *
 * - `sigmas`: the timestamps, [N]. `steerings`: of each interval r, and the scales that may leave 1.
 * - Source: AMED-Solver, arXiv:2312.00094; the list that its plugin hands to other samplers.
 */
export function fixedSteps(sigmas: ArrayLike<number>, steerings: readonly Steering[]): FixedSteps {
  const inserted = (name: string, given: (k: number) => number) =>
    Float64Array.from({ length: 2 * sigmas.length - 1 }, (_, i) =>
      i % 2 === 0 ? given(i / 2) : (steerings[(i - 1) / 2]![name]?.[0] ?? 1),
    );
  const levels = inserted('r', (k) => sigmas[k]!).map((value, i) =>
    i % 2 === 0 ? value : middleOf(value, sigmas[(i - 1) / 2]!, sigmas[(i + 1) / 2]!),
  );
  return {
    sigmas: levels,
    scaleDirs: inserted('scale_dir', () => 1),
    scaleTimes: inserted('scale_time', () => 1),
  };
}
