import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type { Evaluation, SolverState, Steering, Step, Vector } from '../solver.js';
import type { PredictorSettings } from './predictor.js';

/** A student's step from one state over one interval, as it goes with these outputs of the predictor. */
export type SteeredStep<State extends SolverState> = (steering: Steering) => Step<State>;

/** Outputs of the predictor, and the evaluations that a step with them was given, from the first. */
export interface Course {
  readonly steering: Steering;
  readonly evaluations: readonly Evaluation[];
}

/** Where a step arrives and how that moves with the predictor's outputs. */
export interface Sensitivity {
  /** [n × size]. */
  readonly x: Vector;
  /** ∂x by each sample's own output, [n × size], for the outputs that exist. */
  readonly slopes: Readonly<Partial<Record<keyof Steering, Vector>>>;
}

/**
 * How a student's step moves with the predictor's outputs, by central differences, a whole batch at once. The denoiser is
 * only inferred, so any engine will do.
 *
 * - Two evaluations, at r ± ε, and two more at scaleTime ± ε where that output exists. `scaleDir` needs none: it moves
 *   no point that is evaluated, so the evaluations are replayed.
 * - `opened`: the evaluation that opens the step, which no output changes.
 * - `centre`: the step's own course and end. Without it x is the mean of the ends at r ± ε, off by O(ε²).
 * - ε: truncation costs ε²/6 of the third derivative, noise of relative size u in the denoiser about u/ε. Hence
 *   3·10⁻³ for a float32 network (measured on a trained one: relative error of the gradient 2·10⁻⁵ to 9·10⁻⁵; forward
 *   differences 10⁻³ to 8·10⁻³) and 10⁻⁵ for a denoiser in double.
 */
export async function sensitivity<State extends SolverState>({
  step,
  opened,
  centre,
  settings,
  epsilon,
  denoise,
}: {
  readonly step: SteeredStep<State>;
  readonly opened: Course;
  readonly centre?: Course & { readonly x: Vector };
  readonly settings: PredictorSettings;
  readonly epsilon: number;
  readonly denoise: Denoise;
}): Promise<Sensitivity> {
  const { r } = opened.steering;
  const n = r.length;
  const uniform = new Float64Array(n).fill(epsilon);
  // Kept inside (0, 1), as the methods divide by r and 1 − r.
  const inside = r.map((value) => Math.min(epsilon, value / 2, (1 - value) / 2));

  /** Both sides of a course along one output, and the slope between them. */
  const across = async (output: keyof Steering, { steering, evaluations }: Course, by: Vector) => {
    const side = async (sign: 1 | -1) => {
      const moved = { ...steering, [output]: combine([1, steering[output]], [sign, by]) };
      return { steering: moved, ...(await finish(step(moved), evaluations, denoise)) };
    };
    const sides = [await side(1), await side(-1)] as const;
    const half = by.map((distance) => 0.5 / distance);
    return { sides, slope: combine([half, sides[0].state.x], [half.map((c) => -c), sides[1].state.x]) };
  };

  const alongR = await across('r', opened, inside);
  const slopes: Partial<Record<keyof Steering, Vector>> = { r: alongR.slope };
  if (settings.scaleTime > 0) slopes.scaleTime = (await across('scaleTime', opened, uniform)).slope;
  if (settings.scaleDir > 0) {
    const known = centre ? [centre] : alongR.sides;
    const found = [];
    for (const course of known) found.push((await across('scaleDir', course, uniform)).slope);
    slopes.scaleDir = mean(found);
  }
  return { x: centre?.x ?? mean(alongR.sides.map((side) => side.state.x)), slopes };
}

/** Runs a step to its end on the evaluations that are known, and asks the denoiser for the others. */
export async function finish<State extends SolverState>(
  step: Step<State>,
  known: readonly Evaluation[],
  denoise: Denoise,
): Promise<{ readonly state: State; readonly evaluations: readonly Evaluation[] }> {
  const evaluations: Evaluation[] = [];
  let next = step.next();
  while (!next.done) {
    const evaluation = known[evaluations.length] ?? (await denoise(next.value));
    evaluations.push(evaluation);
    next = step.next(evaluation);
  }
  return { state: next.value, evaluations };
}

function mean(vectors: readonly Vector[]): Vector {
  return combine(...vectors.map((vector) => [1 / vectors.length, vector] as const));
}
