import { analyticalFirstStep } from '../drive/analytical-first-step.js';
import { type Asked, remembering } from '../drive/remembering.js';
import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type { Output } from '../output.js';
import type { Evaluation, SolverState, Steering, Step, Student, Vector } from '../solver.js';
import type { OutputSlope } from './gauss-newton.js';
import { type Predictor, predict } from './predictor.js';
import { distancesOf, finish, moved, numbersOf } from './training-sensitivity.js';

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
 * differences at the distance ε, each sample by its own number.
 *
 * Evaluations for each number, with `later` intervals of m evaluations after it: m·later, and those of its own interval but
 * the opening where it moves what is evaluated.
 */
export async function endSlopes<State extends SolverState>(
  route: Route<State>,
  passages: readonly Passage<State>[],
  k: number,
  outputs: readonly Output[],
  epsilon: number,
): Promise<OutputSlope[]> {
  const { student, sigmas, denoise } = route;
  const { state: start, steering, evaluations } = passages[k]!;
  const end = passages.at(-1)!.end.x;
  const again = (j: number, state: State, by: Steering): Step<State> =>
    student.steered(() => by).step(state, sigmas[j]!, sigmas[j + 1]!, passages.length - j);
  const slopes: OutputSlope[] = [];
  for (const number of numbersOf(outputs)) {
    const by = distancesOf(steering, number, epsilon);
    const known = number.output.moves ? evaluations.slice(0, 1) : evaluations;
    let { state } = await finish(again(k, start, moved(steering, number, by)), known, denoise);
    for (let j = k + 1; j < passages.length; j++)
      ({ state } = await finish(again(j, state, passages[j]!.steering), [], denoise));
    const rate = by.map((distance) => 1 / distance);
    const slope = combine([rate, state.x], [rate.map((value) => -value), end]);
    slopes.push({ interval: k, ...number, slope });
  }
  return slopes;
}
