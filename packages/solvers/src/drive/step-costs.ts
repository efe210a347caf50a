import { axpy, slopeAt } from '../math/vector.js';
import type { Vector } from '../solver.js';

/** What a step is judged by: `l1`, `l2`, the norms of its error; `dev`, how much further it strays from the straight line. */
export type StepMetric = 'dev' | 'l1' | 'l2';

/** A teacher's solve of a batch on a fine grid of N levels. */
export interface TeacherPath {
  /** [N], descending. */
  readonly sigmas: ArrayLike<number>;
  /** N batches, each [n × size], the start first. */
  readonly points: readonly Vector[];
  readonly n: number;
}

/**
 * What each Euler step along a teacher's path costs, compared with the teacher.
 *
 * The step from level i to level j ends at y = x_i + (σ_j − σ_i)·(x_i − D)/σ_i, where the teacher is at x_j:
 *
 * - `l1`: Σ|y − x_j|. `l2`: ‖y − x_j‖.
 * - `dev`: h(y) − h(x_j), where h is the distance from the line through the image's first and last point. Negative
 *   where the teacher strays further.
 *
 * Returns the costs of all steps that start at level i, given `denoised` D there, [n × size]: for each metric [n × N],
 * data units, zeros up to i. D is the denoiser's answer, or another, as the analytical first step's.
 *
 * Source: geometry-inspired time scheduling (GITS), Chen et al., arXiv:2405.11326.
 */
export function stepCosts({
  sigmas,
  points,
  n,
}: TeacherPath): (i: number, denoised: Vector) => Readonly<Record<StepMetric, Float64Array>> {
  const N = points.length;
  const [start, end] = [points[0]!, points[N - 1]!];
  const size = start.length / n;
  const heading = start.map((value, k) => end[k]! - value);
  const deviations = points.map((point) => deviation(point));

  /** Distance of each image from its own line, [n]. */
  function deviation(point: Vector): Float64Array {
    return Float64Array.from({ length: n }, (_, sample) => {
      const [from, to] = [sample * size, (sample + 1) * size];
      let along = 0;
      let length = 0;
      for (let k = from; k < to; k++) {
        along += (point[k]! - start[k]!) * heading[k]!;
        length += heading[k]! ** 2;
      }
      let sum = 0;
      for (let k = from; k < to; k++) sum += (point[k]! - start[k]! - (along / length) * heading[k]!) ** 2;
      return Math.sqrt(sum);
    });
  }

  return (i, denoised) => {
    const here = points[i]!;
    const slope = slopeAt(here, denoised, sigmas[i]!);
    const costs = { dev: new Float64Array(n * N), l1: new Float64Array(n * N), l2: new Float64Array(n * N) };
    for (let j = i + 1; j < N; j++) {
      const there = points[j]!;
      const y = axpy(sigmas[j]! - sigmas[i]!, slope, here);
      const strayed = deviation(y);
      for (let sample = 0; sample < n; sample++) {
        let sum = 0;
        let squares = 0;
        for (let k = sample * size; k < (sample + 1) * size; k++) {
          const error = y[k]! - there[k]!;
          sum += Math.abs(error);
          squares += error * error;
        }
        costs.l1[sample * N + j] = sum;
        costs.l2[sample * N + j] = Math.sqrt(squares);
        costs.dev[sample * N + j] = strayed[sample]! - deviations[j]![sample]!;
      }
    }
    return costs;
  };
}
