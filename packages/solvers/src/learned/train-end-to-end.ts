import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type { Evaluation, SolverState, Vector } from '../solver.js';
import type { Gradients } from './adam.js';
import { gaussNewton, type OutputSlope } from './gauss-newton.js';
import { predict } from './predictor.js';
import { trainingFault } from './predictor-error.js';
import { checkTrainStep, type Interval, lossOf, normOf, type TrainStep } from './train-step.js';
import { drawTrajectory, endSlopes, type Passage } from './training-trajectory.js';

/** What training on the end is told beside the batch. */
interface OnTheEnd<State extends SolverState>
  extends Pick<TrainStep<State>, 'trainer' | 'student' | 'n' | 'sigmas' | 'denoise' | 'afs' | 'epsilon'> {
  /** The part of the training that lies behind, 0 … 1: the learning rate falls to 0 along half a cosine. */
  readonly done: number;
  /** Steps of Adam on the model. Default 40. */
  readonly descents?: number;
  /**
   * Bounds of what is seen in the end, as [−1, 1] of an image: values beyond count as the bound, the teacher's too. Left
   * out, as for latents, all values count.
   */
  readonly range?: readonly [number, number];
}

/** One batch to train on, and where in the training it comes. */
export interface EndToEndStep<State extends SolverState = SolverState>
  extends TrainStep<State>,
    OnTheEnd<State> {}

/** One batch whose end alone is known. */
export interface TowardsStep<State extends SolverState = SolverState> extends OnTheEnd<State> {
  /** At the first noise level, and where the teacher ends from there: [n × size] each. */
  readonly start: Vector;
  readonly goal: Vector;
}

/**
 * One training step of the predictor on what counts in the end: the student takes the batch from its start to its last
 * noise level, and the predictor's outputs in all intervals move together to bring it to where the teacher ends.
 *
 * - The student keeps to its own points, so an interval learns to make up for those before it.
 * - Losses have many valleys: begin in a good one, with `withMiddles`.
 * - The slopes of the end by every output give a model of the loss, of second order and each sample's own (Gauss–Newton).
 *   Adam takes `descents` steps on it, for which the denoiser isn't asked.
 * - Evaluations of a student that takes two an interval, with K intervals and m numbers of the predictor: 2K for the
 *   trajectory, less 1 where its opening is given or analytical; K for each number that moves what is evaluated (r and
 *   scale_time); m·K(K − 1) to draw the rest again.
 * - Of the teacher's points the first and the last are used; the others give the reported losses. The last loss is the
 *   one that is trained on, within `range`.
 * - Compared with `trainStep`: docs/loss-weight.md.
 *
 * @throws PredictorError (E_TRAINING) if noise levels, teacher and batch don't fit, a range is none, or a loss is not finite
 * @throws SolverError (E_DENOISED) if the denoiser gives no bottleneck
 */
export async function trainEndToEnd<State extends SolverState>(
  what: EndToEndStep<State>,
): Promise<Interval[]> {
  checkTrainStep(what);
  const { n, sigmas, teacher, openings } = what;
  const { passages, error, nfe } = await descend(
    { ...what, start: teacher[0]!, goal: teacher.at(-1)! },
    openings?.[0],
  );
  const errors = passages.slice(0, -1).map(({ end }, k) => combine([1, end.x], [-1, teacher[k + 1]!]));
  return [...errors, error].map((error, k) => ({
    loss: lossOf(error, n, k, sigmas),
    norm: normOf(error, n),
    x: passages[k]!.end.x,
    steering: passages[k]!.steering,
    nfe: nfe[k]!,
  }));
}

/**
 * The same where nothing is known of the teacher but its end, as of a student whose points are no noisy images: only the
 * last interval has a loss.
 *
 * - Evaluations of a steered table of E: E for the trajectory, and E − k for the scale of the noise level told at k ≥ 1.
 *
 * @throws PredictorError, SolverError as `trainEndToEnd`
 */
export async function trainTowards<State extends SolverState>(
  what: TowardsStep<State>,
): Promise<(Pick<Interval, 'x' | 'steering' | 'nfe'> & Partial<Interval>)[]> {
  const { n, sigmas, start, goal } = what;
  checkTrainStep({ ...what, teacher: Array.from(sigmas, (_, k) => (k === 0 ? start : goal)) });
  const { passages, error, nfe } = await descend(what, undefined);
  return passages.map(({ end, steering }, k) => ({
    ...(k === passages.length - 1 && { loss: lossOf(error, n, k, sigmas), norm: normOf(error, n) }),
    x: end.x,
    steering,
    nfe: nfe[k]!,
  }));
}

async function descend<State extends SolverState>(
  what: TowardsStep<State>,
  opening: Evaluation | undefined,
): Promise<{
  readonly passages: readonly Passage<State>[];
  /** Of what is seen in the end. */
  readonly error: Vector;
  /** Evaluations by interval. */
  readonly nfe: readonly number[];
}> {
  const { trainer, n, sigmas, start, goal, done, descents = 40, afs = false, epsilon = 3e-3 } = what;
  const [low, high] = what.range ?? [-Infinity, Infinity];
  if (!(low < high))
    throw trainingFault(
      `a range is its lower bound, then its upper one; found ${low} and ${high}. Images take [-1, 1], latents none.`,
      { low, high },
    );
  let asked = 0;
  const denoise: Denoise = (request) => {
    asked++;
    return what.denoise(request);
  };
  const route = { ...what, denoise };
  const passages = await drawTrajectory(route, trainer.predictor, start, afs ? 'afs' : opening);
  const end = passages.at(-1)!.end.x;
  const seen = (x: Vector) => x.map((value) => Math.min(high, Math.max(low, value)));
  const error = combine([1, seen(end)], [-1, seen(goal)]);
  lossOf(error, n, passages.length - 1, sigmas); // no slopes of what isn't finite
  const drawn = passages.map(
    ({ evaluations }, k) => evaluations.length - (k === 0 && (afs || opening) ? 1 : 0),
  );
  const slopes: OutputSlope[] = [];
  const nfe: number[] = [];
  for (const k of passages.keys()) {
    const before = asked;
    const found = await endSlopes(route, passages, k, trainer.predictor.outputs, epsilon);
    const within = (slope: Vector) => slope.map((s, i) => (end[i]! > high || end[i]! < low ? 0 : s));
    slopes.push(...found.map((one) => ({ ...one, slope: within(one.slope) })));
    nfe.push(drawn[k]! + asked - before);
  }
  const derivative = gaussNewton({
    steerings: passages.map(({ steering }) => steering),
    slopes,
    error,
    n,
  });
  for (let descent = 0; descent < descents; descent++) {
    const output = predict(trainer.predictor);
    const cotangents = derivative(passages.map(({ inputs }) => output(...inputs)));
    const gradients = passages.map(({ inputs }, k) => trainer.gradient(inputs, cotangents[k]!));
    trainer.descend(sumOf(gradients), (1 + Math.cos(Math.PI * done)) / 2);
  }
  return { passages, error, nfe };
}

function sumOf(gradients: readonly Gradients[]): Gradients {
  return Object.fromEntries(
    Object.keys(gradients[0]!).map((name) => [
      name,
      gradients[0]![name]!.map((_, i) => gradients.reduce((sum, gradient) => sum + gradient[name]![i]!, 0)),
    ]),
  );
}
