import { analyticalFirstStep } from '../drive/analytical-first-step.js';
import { type Asked, remembering } from '../drive/remembering.js';
import type { Denoise } from '../drive/solve.js';
import { combine } from '../math/vector.js';
import type {
  Evaluation,
  Predict,
  Request,
  SolverState,
  Steering,
  Step,
  Student,
  Vector,
} from '../solver.js';
import type { Gradients } from './adam.js';
import { predict } from './predictor.js';
import { trainingFault } from './predictor-error.js';
import type { Trainer } from './predictor-trainer.js';
import { finish, sensitivity } from './training-sensitivity.js';

/** One batch to train on. */
export interface TrainStep<State extends SolverState = SolverState> {
  readonly trainer: Trainer;
  readonly student: Student<State>;
  /** Samples in the batch. */
  readonly n: number;
  /** The student's noise levels, descending, all above 0: [num_steps]. */
  readonly sigmas: ArrayLike<number>;
  /** The teacher's points at those levels, [num_steps] of [n × size]; the first is the start, latents · sigmas[0]. */
  readonly teacher: readonly Vector[];
  /**
   * The teacher's evaluations at those points where it made them, so that they aren't made again. A student with memory
   * leaves the teacher's points, so it can use the first alone.
   */
  readonly openings?: readonly (Evaluation | undefined)[];
  readonly denoise: Denoise;
  /** As the student will sample: whether its first step is analytical. The teacher's is not. Default false. */
  readonly afs?: boolean;
  /** Distance of the differences that take the place of derivatives. Default 3·10⁻³, for a float32 network. */
  readonly epsilon?: number;
  /** Sees each interval when it is done. */
  readonly onInterval?: (trained: TrainedInterval, index: number) => void;
}

/** What training made of one interval. */
export interface Interval {
  /** Σ (student − teacher)² over all entries of the batch, over n. */
  readonly loss: number;
  /** √Σ (student − teacher)⁴ of a sample, its mean over the batch: the figure that the official training prints. */
  readonly norm: number;
  /** Where the student arrived, [n × size]. */
  readonly x: Vector;
  /** The predictor's outputs before its weights moved, each [n × count]. */
  readonly steering: Steering;
  /** Evaluations asked of the denoiser; a batch counts once. */
  readonly nfe: number;
}

/** What `trainStep` made of one interval. */
export interface TrainedInterval extends Interval {
  /** The loss's derivative by the outputs, each [n × count]. */
  readonly cotangent: Steering;
  /** The loss's derivative by the weights. */
  readonly gradients: Gradients;
}

/**
 * One training step of the predictor: over each interval in turn the student's step is compared with the teacher's point,
 * and Adam moves the weights once.
 *
 * - Evaluations per interval, of a student that takes two: 2 for each number that moves what is evaluated (r and
 *   scale_time); one more to open it, unless the opening is given or analytical; one more for a student with memory, whose
 *   own point the next interval starts from.
 * - A student without memory starts each interval from the teacher's point.
 * - Gradients flow through the intermediate time, the point there and its evaluation; none through earlier intervals.
 * - Source: AMED-Solver, arXiv:2312.00094, Algorithm 1. Deviation: derivatives of the step are central differences.
 *
 * @throws PredictorError (E_TRAINING) if noise levels, teacher and batch don't fit, or the loss is not finite
 * @throws SolverError (E_DENOISED) if the denoiser gives no bottleneck
 */
export async function trainStep<State extends SolverState>(
  what: TrainStep<State>,
): Promise<TrainedInterval[]> {
  checkTrainStep(what);
  const {
    trainer,
    student,
    n,
    sigmas,
    teacher,
    openings = [],
    afs = false,
    epsilon = 3e-3,
    onInterval,
  } = what;
  const intervals = sigmas.length - 1;
  const { init } = student.steered(predict(trainer.predictor));
  let state = init(teacher[0]!, n);
  const trained: TrainedInterval[] = [];

  for (let k = 0; k < intervals; k++) {
    let nfe = 0;
    const denoise = (request: Request) => {
      nfe++;
      return what.denoise(request);
    };
    const [from, sigma, sigmaNext, target] = [state, sigmas[k]!, sigmas[k + 1]!, teacher[k + 1]!];
    const step = (steer: Predict) => student.steered(steer).step(from, sigma, sigmaNext, intervals - k);
    const steered = (steering: Steering) => step(() => steering);

    const known = student.singleStep || k === 0 ? openings[k] : undefined;
    const { inputs, steering, opening } = await open(step, predict(trainer.predictor), (request) =>
      afs && k === 0 ? analyticalFirstStep(request, n) : (known ?? denoise(request)),
    );
    const opened = { steering, evaluations: [opening] };

    const ended = student.singleStep ? undefined : await finish(steered(steering), [opening], denoise);
    const { outputs } = trainer.predictor;
    const { x, slopes } = await sensitivity({
      step: steered,
      opened,
      centre: ended && { steering, evaluations: ended.evaluations, x: ended.state.x },
      outputs,
      epsilon,
      denoise,
    });
    state = ended?.state ?? init(target, n);

    const error = combine([1, x], [-1, target]);
    const loss = lossOf(error, n, k, sigmas);
    const cotangent = Object.fromEntries(
      outputs.map(({ name, count }) => [name, new Float64Array(n * count)]),
    );
    for (const { output, index, slope } of slopes)
      contract(error, slope, n).forEach((derivative, i) => {
        cotangent[output.name]![i * output.count + index] = derivative;
      });
    const gradients = trainer.gradient(inputs, cotangent);
    trainer.descend(gradients);

    trained.push({ loss, norm: normOf(error, n), x, steering, cotangent, gradients, nfe });
    onInterval?.(trained[k]!, k);
  }
  return trained;
}

/**
 * Σ error² / n of interval k.
 *
 * @throws PredictorError (E_TRAINING) if it is not finite
 */
export function lossOf(error: Vector, n: number, k: number, sigmas: ArrayLike<number>): number {
  const loss = error.reduce((total, e) => total + e * e, 0) / n;
  if (!Number.isFinite(loss))
    throw trainingFault(
      `a loss must be finite; found ${loss} in interval ${k}, from σ = ${sigmas[k]} to ${sigmas[k + 1]}. The denoiser or the teacher gave NaN or infinity, or answers of the wrong length; a predictor learns nothing from it.`,
      { interval: k, found: loss },
    );
  return loss;
}

/** √Σ error⁴ of each sample, their mean. */
export function normOf(error: Vector, n: number): number {
  const sums = new Float64Array(n);
  error.forEach((e, i) => {
    sums[Math.floor((i * n) / error.length)]! += e ** 4;
  });
  return sums.reduce((total, sum) => total + Math.sqrt(sum), 0) / n;
}

/** Opens a step, so that the student puts its question to the predictor: the question, the answer, and the evaluation before it. */
async function open(
  step: (steer: Predict) => Step<SolverState>,
  output: Predict,
  answer: Denoise,
): Promise<Asked & { readonly opening: Evaluation }> {
  const { predict: ask, asked } = remembering(output);
  const opened = step(ask);
  const opening = await answer(opened.next().value as Request); // a step begins with a request
  opened.next(opening);
  return { ...asked[0]!, opening };
}

/** The derivative of Σ error²/n by one number of each sample, [n], from the slope of x by it. */
function contract(error: Vector, slope: Vector, n: number): Vector {
  const derivative = new Float64Array(n);
  slope.forEach((s, i) => {
    derivative[Math.floor((i * n) / error.length)]! += (2 / n) * error[i]! * s;
  });
  return derivative;
}

/**
 * Checks that the parts of a training step fit.
 *
 * @throws PredictorError (E_TRAINING)
 */
export function checkTrainStep({
  n,
  sigmas,
  teacher,
  openings,
  epsilon = 3e-3,
}: Omit<TrainStep, 'student'>): void {
  const length = teacher[0]?.length ?? 0;
  if (!(Number.isInteger(n) && n > 0 && length > 0 && length % n === 0))
    throw trainingFault(
      `a teacher's point is n × size numbers; found ${length} for n = ${n}. Give the number of samples in the batch as n.`,
      { n, length },
    );
  if (
    teacher.length !== sigmas.length ||
    sigmas.length < 2 ||
    teacher.some((point) => point.length !== length)
  )
    throw trainingFault(
      `a teacher has one point of ${length} numbers per noise level of the student, at least two; found points of ${teacher.map((point) => point.length)} numbers for ${sigmas.length} levels. Take every (M + 1)-th of its trajectory, the start included.`,
      { points: teacher.map((point) => point.length), levels: sigmas.length },
    );
  for (let i = 0; i < sigmas.length; i++)
    if (!(sigmas[i]! > 0 && (i === 0 || sigmas[i]! < sigmas[i - 1]!)))
      throw trainingFault(
        `noise levels descend and are above 0; found ${sigmas[i]} at ${i}. Take the student's from its schedule.`,
        { index: i, found: sigmas[i] },
      );
  const wrong = (openings ?? []).findIndex((opening) => opening && opening.denoised.length !== length);
  if (wrong >= 0)
    throw trainingFault(
      `an opening is the evaluation at the teacher's point, ${length} numbers; found ${openings![wrong]!.denoised.length} at ${wrong}. Give the one of the same batch, or none.`,
      { index: wrong, expected: length, found: openings![wrong]!.denoised.length },
    );
  if (!(epsilon > 0 && epsilon < 0.1))
    throw trainingFault(
      `epsilon is a small part of 1, below 0.1; found ${epsilon}. Use 3e-3 for a float32 network, 1e-5 for one in double.`,
      { epsilon },
    );
}
