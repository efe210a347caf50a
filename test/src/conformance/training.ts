import type { Tensors } from '@fewstep/models';
import {
  adam,
  iterationOf,
  type Predictor,
  type Student,
  solve,
  type TrainedInterval,
  trainer,
  trainStep,
  type Vector,
} from '@fewstep/solvers';
import { denoiserOf, type Guidance } from './analytic.js';
import { type Configuration, officialSigmas, solverOf, studentOf } from './configuration.js';
import { type Golden, mixedError } from './golden.js';
import {
  firstOf,
  largestRelative,
  type OutputName,
  over,
  predictorOf,
  relativeToLargest,
} from './predictor.js';
import { type Outcome, outcome, type Topic } from './topic.js';
import { compareBoth, join } from './trajectory.js';

interface Case {
  readonly id: string;
  readonly config: Configuration & {
    readonly stu: string;
    readonly tea: string;
    readonly afs: boolean;
    readonly scale_dir: number;
    readonly scale_time: number;
  };
  readonly latent_model?: Guidance;
  readonly official_error?: string;
  /** Files of weights: before training, and what training gave. */
  readonly init: string;
  readonly weights_file: string;
  readonly noise: string;
  readonly batch: number;
  readonly iterations: number;
  readonly outputs_order: readonly OutputName[];
  /** Intervals of the first iteration whose gradients by the weights are saved. */
  readonly grad_steps_saved: readonly number[];
  /** What the official loss printed of the first iteration, a line for each interval. */
  readonly log_lines_iter0: readonly string[];
  readonly num_steps_teacher: number;
  readonly teacher_slice: readonly number[];
  readonly arrays: Readonly<Record<string, string>>;
  readonly tol: Readonly<
    Record<
      | 't'
      | 'teacher'
      | 'student_iter0'
      | 'loss_rel_iter0'
      | 'loss_rel_all'
      | 'outputs'
      | 'grad_outputs_relmax'
      | 'grad_params_relmax'
      | 'final_rms',
      number
    >
  >;
  readonly tol_f64: number;
}

interface AdamCase {
  readonly id: string;
  readonly lr: number;
  readonly arrays: Readonly<Record<'w0' | 'grads' | 'w' | 'w_f64', string>>;
  readonly tol: number;
}

/** Training of the predictor over several batches, and its optimiser alone. */
export const training: Topic = async (golden) => {
  const index: { cases: Case[]; adam?: AdamCase; optimizer: { lr: number } } = golden.index;
  const { cases, adam: alone, optimizer } = index;
  const outcomes: Outcome[] = [];
  for (const one of cases) {
    const reason = `the official code stops with ${one.official_error}: there is nothing to compare with`;
    outcomes.push(
      one.official_error
        ? { id: one.id, status: 'skipped', reason }
        : await outcome(one.id, () => checkTraining(golden, one, optimizer.lr)),
    );
  }
  if (alone) outcomes.push(await outcome(alone.id, () => checkAdam(golden, alone)));
  return outcomes;
};

async function checkTraining(golden: Golden, one: Case, lr: number): Promise<string | undefined> {
  const { arrays, tol, tol_f64: tolF64 } = one;
  const { sigmas, teacher, intervals, predictors } = await train(golden, one, lr);
  const saved = await golden.tensors(one.weights_file);
  const hasAfterFirst = Object.keys(saved).some((name) => name.startsWith('after_iter0.'));
  const firstIteration = intervals.slice(0, sigmas.length - 1);
  const teacherAtFirst = golden.array(arrays.teacher_iter0_f64!);
  const joined = join(teacher);

  /**
   * In float32 everywhere. In double the first interval is as exact as double allows; from the second on the weights
   * tell, which leave Adam in float32, so there the double figures too are met to float32's tolerance.
   */
  const agree = (
    name: string,
    trained: readonly TrainedInterval[],
    read: (interval: TrainedInterval) => Vector,
    error: (a: Vector, b: Vector) => number,
    tolerance: number,
  ) => {
    const ours = join(trained.map(read));
    const first = read(trained[0]!);
    const [single, double] = [name, `${name}_f64`].map((key) => golden.array(arrays[key]!));
    return firstOf([
      over(name, error(ours, single!), tolerance),
      over(`${name}_f64`, error(ours, double!), tolerance),
      over(`the first ${name}_f64`, error(first, double!.subarray(0, first.length)), tolF64),
    ]);
  };
  /** What the official code writes of a scale that may not leave 1. */
  const absent = ({ steering }: TrainedInterval, what: 'steering' | 'cotangent') =>
    steering.r!.map(() => (what === 'steering' ? 1 : 0));
  const outputsOf = (what: 'steering' | 'cotangent') => (interval: TrainedInterval) =>
    join(one.outputs_order.map((name) => interval[what][name] ?? absent(interval, what)));
  const losses = Float64Array.from(firstIteration, ({ loss }) => loss);
  const lossesAtFirst = golden.array(arrays.loss!).subarray(0, losses.length);

  return firstOf([
    compareBoth(golden, arrays, 't', sigmas, tol.t, tolF64),
    over('teacher', mixedError(joined, golden.array(arrays.teacher!)), tol.teacher),
    over('teacher_iter0_f64', mixedError(joined.subarray(0, teacherAtFirst.length), teacherAtFirst), tolF64),
    over('loss of iteration 0', largestRelative(losses, lossesAtFirst), tol.loss_rel_iter0),
    agree('loss', intervals, ({ loss }) => Float64Array.of(loss), largestRelative, tol.loss_rel_all),
    agree('outputs', intervals, outputsOf('steering'), mixedError, tol.outputs),
    agree('student_iter0', firstIteration, ({ x }) => x, mixedError, tol.student_iter0),
    agree(
      'grad_outputs_iter0',
      firstIteration,
      outputsOf('cotangent'),
      relativeToLargest,
      tol.grad_outputs_relmax,
    ),
    compareLog(one, firstIteration),
    ...one.grad_steps_saved.flatMap((k) =>
      [...under(saved, `grad_iter0_step${k}.`)].map(([name, gradient]) =>
        over(
          `gradient of ${name} in interval ${k}`,
          relativeToLargest(firstIteration[k]!.gradients[name] ?? [], gradient),
          tol.grad_params_relmax,
        ),
      ),
    ),
    hasAfterFirst
      ? over('after_iter0', rms(predictors[0]!, under(saved, 'after_iter0.')), tol.final_rms)
      : undefined,
    over('final', rms(predictors.at(-1)!, under(saved, 'final.')), tol.final_rms),
  ]);
}

/** Figures of the log beside the official lines, which have four decimals. */
function compareLog(
  { batch: n, log_lines_iter0, tol }: Case,
  trained: readonly TrainedInterval[],
): string | undefined {
  const none = { iteration: 1, images: n, calls: 0, loss: 0 };
  const { intervals } = iterationOf({ ...none, n, intervals: trained });
  const absent = { mean: [1], spread: [0] };
  const printed = 5e-5;
  return firstOf(
    intervals.flatMap(({ norm, outputs }, k) => {
      const [step, loss, ...spreads] = log_lines_iter0[k]!.match(/\d[\d.]*/g)!.map(Number);
      const ours = ['r', 'scale_dir', 'scale_time'].flatMap((name) => {
        const { mean, spread } = outputs[name] ?? absent;
        return [mean[0]!, spread[0]!];
      });
      return [
        over(`step of line ${k}`, Math.abs(step! - k), 0),
        over(`Loss of line ${k}`, Math.abs(norm! - loss!), printed + tol.loss_rel_iter0 * loss!),
        over(`outputs of line ${k}`, mixedError(ours, spreads), printed + tol.outputs),
      ];
    }),
  );
}

/** Distance of the central differences. The denoisers here are in double: it leaves 3e-9 of a loss, 2e-9 of a gradient. */
const epsilon = 1e-5;

/** Trains as a case says. */
async function train(
  golden: Golden,
  one: Case,
  lr: number,
): Promise<{
  readonly sigmas: Vector;
  /** By iteration, then by interval. */
  readonly teacher: readonly Vector[];
  readonly intervals: readonly TrainedInterval[];
  /** After each iteration. */
  readonly predictors: readonly Predictor[];
}> {
  const config = { noise_table: one.latent_model?.noise_table ?? null, ...one.config };
  const sigmas = officialSigmas(config);
  const teacherSigmas = officialSigmas({ ...config, num_steps: one.num_steps_teacher });
  const student = restarting(studentOf(config.stu, config), config);
  const denoise = denoiserOf(golden, one.latent_model);
  const predictor = predictorOf(config, await golden.tensors(one.init));
  const training = trainer({ predictor, lr });
  const noise = golden.array(one.noise).map((value) => value * config.sigma_max);
  const length = noise.length / golden.shape(one.noise)[0]!;
  const [teacher, intervals, predictors]: [Vector[], TrainedInterval[], Predictor[]] = [[], [], []];

  for (let i = 0; i < one.iterations; i++) {
    const [x, n] = [noise.subarray(i * length, (i + 1) * length), one.batch];
    const { trajectory } = await solve({
      solver: solverOf(config.tea, config),
      x,
      n,
      sigmas: teacherSigmas,
      keep: 'all',
      denoise,
    });
    const points = one.teacher_slice.map((point) => trajectory[point]!);
    teacher.push(...points);
    const { afs } = config;
    intervals.push(
      ...(await trainStep({
        trainer: training,
        student,
        n,
        sigmas,
        teacher: [x, ...points],
        denoise,
        afs,
        epsilon,
      })),
    );
    predictors.push(training.predictor);
  }
  return { sigmas, teacher, intervals, predictors };
}

/**
 * The official training makes the times of an interval anew, as a schedule of two steps between its ends, and moves the
 * start of the interval to the first of them. They differ from the ends where the discrete schedule has ρ ≠ 1.
 */
function restarting(student: Student, config: Configuration): Student {
  return {
    ...student,
    steered(predict) {
      const solver = student.steered(predict);
      return {
        ...solver,
        step(state, sigma, sigmaNext, remaining) {
          const [first, last] = officialSigmas(config, { numSteps: 2, sigmaMax: sigma, sigmaMin: sigmaNext });
          const x = state.x.map((value) => (value / sigma) * first!);
          return solver.step({ ...state, x }, first!, last!, remaining);
        },
      };
    },
  };
}

/** The tensors whose names begin so, by the rest of the name: at least one. */
function under(tensors: Tensors, prefix: string): Map<string, Float64Array> {
  const named = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  if (named.length === 0) throw new Error(`the weights file holds no tensor "${prefix}…"`);
  return new Map(
    named.map(([name, { data }]) => [name.slice(prefix.length), Float64Array.from(data, Number)]),
  );
}

/** Root mean square difference over all weights of a predictor; NaN if one of them is not there. */
function rms({ weights }: Predictor, wanted: ReadonlyMap<string, Float64Array>): number {
  let [sum, count] = [0, 0];
  for (const [name, { data }] of Object.entries(weights)) {
    const values = wanted.get(name);
    data.forEach((value, i) => {
      sum += (value - (values?.[i] ?? Number.NaN)) ** 2;
    });
    count += data.length;
  }
  return Math.sqrt(sum / count);
}

function checkAdam(golden: Golden, { lr, arrays, tol }: AdamCase): string | undefined {
  const start = Float32Array.from(golden.array(arrays.w0));
  const optimiser = adam({ w: { shape: [start.length], data: start } }, lr);
  const gradients = golden.array(arrays.grads);
  const found: number[] = [];
  for (let i = 0; i < gradients.length; i += start.length) {
    found.push(...optimiser.step({ w: gradients.subarray(i, i + start.length) }).w!.data);
  }
  // The weights leave in float32.
  return firstOf([
    over('w', mixedError(found, golden.array(arrays.w)), tol),
    over('w_f64', mixedError(found, golden.array(arrays.w_f64)), 2 ** -24),
  ]);
}
