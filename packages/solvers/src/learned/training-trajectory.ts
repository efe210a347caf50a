import { analyticalFirstStep } from '../drive/analytical-first-step.js';
import { type Asked, remembering } from '../drive/remembering.js';
import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type { Evaluation, SolverState, Steering, Step, Student, Vector } from '../solver.js';
import type { OutputSlope } from './gauss-newton.js';
import { type Predictor, type PredictorSettings, predict } from './predictor.js';
import { finish } from './training-sensitivity.js';

/** A student's solve as it will be drawn again: all but the predictor. */
export interface Route<State extends SolverState> {
  readonly student: Student<State>;
  readonly n: number;
  readonly sigmas: ArrayLike<number>;
  readonly denoise: Denoise;
}

/** One interval of a student's own trajectory. */
export interface Passage<State extends SolverState> extends Asked {
  /** Where it begins. */
  readonly state: State;
  readonly evaluations: readonly Evaluation[];
  /** Where it ends. */
  readonly end: State;
}

/**
 * The student's trajectory from x to its last noise level. `opening`: the network's answer at x, if it is known, or
 * `afs` to do without it.
 */
export async function drawTrajectory<State extends SolverState>(
  route: Route<State>,
  predictor: Predictor,
  x: Vector,
  opening: Evaluation | 'afs' | undefined,
): Promise<Passage<State>[]> {
  const { student, n, sigmas, denoise } = route;
  const { predict: ask, asked } = remembering(predict(predictor));
  const solver = student.steered(ask);
  const passages: Passage<State>[] = [];
  let state = solver.init(x, n);
  for (let k = 0; k + 1 < sigmas.length; k++) {
    const first = opening === 'afs' ? analyticalFirstStep({ x, sigma: sigmas[0]! }, n) : opening;
    const { state: end, evaluations } = await finish(
      solver.step(state, sigmas[k]!, sigmas[k + 1]!, sigmas.length - 1 - k),
      k === 0 && first ? [first] : [],
      denoise,
    );
    passages.push({ ...asked[k]!, state, evaluations, end });
    state = end;
  }
  return passages;
}

/**
 * How the end of a trajectory moves with the predictor's outputs in interval k, those of the later intervals held: forward
 * differences at the distance ε, each sample by its own output.
 *
 * Evaluations, `later` intervals coming after: 1 + 2·later for r and scaleTime, 2·later for scaleDir, which moves no point
 * of its own interval that is evaluated.
 */
export async function endSlopes<State extends SolverState>(
  route: Route<State>,
  passages: readonly Passage<State>[],
  k: number,
  { scaleDir, scaleTime }: PredictorSettings,
  epsilon: number,
): Promise<OutputSlope[]> {
  const { student, n, sigmas, denoise } = route;
  const { state: start, steering, evaluations } = passages[k]!;
  const end = passages.at(-1)!.end.x;
  const again = (j: number, state: State, by: Steering): Step<State> =>
    student.steered(() => by).step(state, sigmas[j]!, sigmas[j + 1]!, passages.length - j);

  const along = async (output: keyof Steering, by: Vector, known: readonly Evaluation[]) => {
    const moved = { ...steering, [output]: combine([1, steering[output]], [1, by]) };
    let { state } = await finish(again(k, start, moved), known, denoise);
    for (let j = k + 1; j < passages.length; j++)
      ({ state } = await finish(again(j, state, passages[j]!.steering), [], denoise));
    const rate = by.map((distance) => 1 / distance);
    const slope = combine([rate, state.x], [rate.map((value) => -value), end]);
    return { interval: k, output, slope };
  };
  const uniform = new Float64Array(n).fill(epsilon);
  // Kept inside (0, 1), as the methods divide by r and 1 − r.
  const inside = steering.r.map((r) => Math.min(epsilon, r / 2, (1 - r) / 2));
  const opening = evaluations.slice(0, 1);
  const slopes = [await along('r', inside, opening)];
  if (scaleDir > 0) slopes.push(await along('scaleDir', uniform, evaluations));
  if (scaleTime > 0) slopes.push(await along('scaleTime', uniform, opening));
  return slopes;
}
