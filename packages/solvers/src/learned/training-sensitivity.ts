import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type { Output } from '../output.js';
import type { Evaluation, SolverState, Steering, Step, Vector } from '../solver.js';

/** A student's step from one state over one interval, as it goes with these outputs of the predictor. */
export type SteeredStep<State extends SolverState> = (steering: Steering) => Step<State>;

/** Outputs of the predictor, and the evaluations that a step with them was given, from the first. */
export interface Course {
  readonly steering: Steering;
  readonly evaluations: readonly Evaluation[];
}

/** A course to its end, [n × size]. */
export interface WholeCourse extends Course {
  readonly x: Vector;
}

/** One of an output's `count` numbers. */
export interface OutputNumber {
  readonly output: Output;
  readonly index: number;
}

/** All numbers of a predictor in an interval. */
export const numbersOf = (outputs: readonly Output[]): OutputNumber[] =>
  outputs.flatMap((output) => Array.from({ length: output.count }, (_, index) => ({ output, index })));

/** How far a difference goes from a steering along one number, by sample [n]. */
export function distancesOf(
  steering: Steering,
  { output: { name, count, range }, index }: OutputNumber,
  epsilon: number,
): Vector {
  const values = steering[name]!;
  return Float64Array.from({ length: values.length / count }, (_, i) =>
    range.step(values[i * count + index]!, epsilon),
  );
}

/** A steering with one number of each sample moved. */
export function moved(
  steering: Steering,
  { output: { name, count }, index }: OutputNumber,
  by: Vector,
): Steering {
  const values = Float64Array.from(steering[name]!);
  by.forEach((distance, i) => {
    values[i * count + index]! += distance;
  });
  return { ...steering, [name]: values };
}

/** Where a step arrives and how that moves with the predictor's outputs. */
export interface Sensitivity {
  /** [n × size]. */
  readonly x: Vector;
  /** ∂x by each sample's own number, [n × size]. */
  readonly slopes: readonly (OutputNumber & { readonly slope: Vector })[];
}

/**
 * How a student's step moves with the predictor's outputs, by central differences, a whole batch at once. The denoiser is
 * only inferred, so any engine will do.
 *
 * - Two courses from the opening for each number of an output that moves what is evaluated. The others need none: the
 *   evaluations are replayed.
 * - `opened`: the evaluation that opens the step, which no output changes.
 * - `centre`: the step's own course. Without it x is the mean of the ends of the first two courses, off by O(ε²).
 * - ε: truncation costs ε²/6 of the third derivative, noise of relative size u in the denoiser about u/ε. Hence
 *   3·10⁻³ for a float32 network (measured on a trained one: relative error of the gradient 2·10⁻⁵ to 9·10⁻⁵; forward
 *   differences 10⁻³ to 8·10⁻³) and 10⁻⁵ for a denoiser in double.
 */
export async function sensitivity<State extends SolverState>({
  step,
  opened,
  centre,
  outputs,
  epsilon,
  denoise,
}: {
  readonly step: SteeredStep<State>;
  readonly opened: Course;
  readonly centre?: WholeCourse | undefined;
  readonly outputs: readonly Output[];
  readonly epsilon: number;
  readonly denoise: Denoise;
}): Promise<Sensitivity> {
  const follow = async (steering: Steering, known: readonly Evaluation[]): Promise<WholeCourse> => {
    const { state, evaluations } = await finish(step(steering), known, denoise);
    return { steering, evaluations, x: state.x };
  };
  /** Both sides of a course along one number, and the slope between them. */
  const across = async (number: OutputNumber, { steering, evaluations }: Course) => {
    const by = distancesOf(steering, number, epsilon);
    const back = by.map((distance) => -distance);
    const above = await follow(moved(steering, number, by), evaluations);
    const below = await follow(moved(steering, number, back), evaluations);
    const half = by.map((distance) => 0.5 / distance);
    return { sides: [above, below], slope: combine([half, above.x], [half.map((c) => -c), below.x]) };
  };

  let known = centre && [centre];
  const slopes: Sensitivity['slopes'][number][] = [];
  const numbers = numbersOf(outputs);
  for (const number of numbers.filter(({ output }) => output.moves)) {
    const { sides, slope } = await across(number, opened);
    known ??= sides;
    slopes.push({ ...number, slope });
  }
  known ??= [await follow(opened.steering, opened.evaluations)];
  for (const number of numbers.filter(({ output }) => !output.moves)) {
    const found = [];
    for (const course of known) found.push((await across(number, course)).slope);
    slopes.push({ ...number, slope: mean(found) });
  }
  return { x: mean(known.map(({ x }) => x)), slopes };
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
