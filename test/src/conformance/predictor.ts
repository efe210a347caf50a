import type { Tensors } from '@fewstep/models';
import {
  embedSigma,
  initPredictor,
  type Predictor,
  placement,
  predict,
  type Steering,
  trainer,
  type Vector,
} from '@fewstep/solvers';
import { type Golden, mixedError } from './golden.js';
import { outcome, type Topic } from './topic.js';

/** The official outputs' names, which are ours. */
export type OutputName = 'r' | 'scale_dir' | 'scale_time';

interface OfficialSettings {
  readonly scale_dir: number;
  readonly scale_time: number;
}

interface Case extends OfficialSettings {
  readonly weights: string;
  readonly outputs: readonly OutputName[];
  readonly loss_weights: Readonly<Record<OutputName, string>>;
  readonly evaluations: readonly CaseEvaluation[];
}

interface CaseEvaluation {
  readonly id: string;
  readonly bottleneck: string;
  readonly t_cur: number;
  readonly t_next: number;
  readonly arrays: Readonly<Record<string, string>>;
  readonly tol: number;
  readonly tol_f64: number;
  /** Of Σ loss weight · output, for the evaluations that have it: by every weight, and by the bottleneck. */
  readonly gradients?: Readonly<Record<string, string>>;
  readonly gradient_bottleneck: string;
  readonly grad_tol_relmax: number;
}

interface InitialWeights extends OfficialSettings {
  readonly seed: number;
  readonly file: string;
  readonly tol: number;
}

interface Embedding {
  readonly frequencies_float32: readonly number[];
  readonly t: string;
  readonly out: string;
}

/** The predictor's forward pass and its gradients, in double, and its initial weights by seed. */
export const predictor: Topic = async (golden) => {
  const index: { cases: Case[]; initial_weights_by_seed?: InitialWeights[]; embedding?: Embedding } =
    golden.index;
  const { embedding } = index;
  const outcomes = embedding ? [await outcome('embedding', () => checkEmbedding(golden, embedding))] : [];
  for (const one of index.cases) {
    const weights = predictorOf(one, await golden.tensors(one.weights));
    for (const evaluation of one.evaluations)
      outcomes.push(await outcome(evaluation.id, () => evaluate(golden, one, evaluation, weights)));
  }
  for (const one of index.initial_weights_by_seed ?? [])
    outcomes.push(
      await outcome(`initial weights of seed ${one.seed}`, async () => {
        const expected = predictorOf(one, await golden.tensors(one.file));
        const found = initPredictor({ seed: one.seed, ...expected });
        return firstOf(
          Object.entries(expected.weights).map(([name, { data }]) =>
            over(name, mixedError(found.weights[name]?.data ?? [], data), one.tol),
          ),
        );
      }),
    );
  return outcomes;
};

export function predictorOf(settings: OfficialSettings, tensors: Tensors): Predictor {
  const weights = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data, Number) },
    ]),
  );
  return { outputs: placement(settings), weights };
}

/** max |a−b| / |b|, 0/0 counted as 0. */
export function largestRelative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return worst(a, b, (i) => Math.abs(b[i]!));
}

/** max |a−b| / max |b|. */
export function relativeToLargest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(b[i]!));
  return worst(a, b, () => largest);
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>, unit: (i: number) => number): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const error = a[i] === b[i] ? 0 : Math.abs(a[i]! - b[i]!) / unit(i);
    if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
  }
  return largest;
}

export function over(what: string, error: number, tolerance: number): string | undefined {
  return error <= tolerance ? undefined : `${what} is off by ${error.toExponential(1)}, allowed ${tolerance}`;
}

/** What is wrong, the first thing of several. */
export function firstOf(differences: readonly (string | undefined)[]): string | undefined {
  return differences.find((difference) => difference !== undefined);
}

/** Against the formula in double, and against the official figures, whose tolerance is the usual floor. */
function checkEmbedding(golden: Golden, one: Embedding): string | undefined {
  const levels = golden.array(one.t);
  const ours = [...levels].flatMap((t) => embedSigma(t));
  const waves = [Math.sin, Math.cos];
  const formula = [...levels].flatMap((t) =>
    waves.flatMap((wave) => one.frequencies_float32.map((frequency) => wave(t * frequency))),
  );
  return firstOf([
    over('the formula', mixedError(ours, formula), 1e-12),
    over('the embedding', mixedError(ours, golden.array(one.out)), 1e-5),
  ]);
}

function evaluate(
  golden: Golden,
  one: Case,
  evaluation: CaseEvaluation,
  weights: Predictor,
): string | undefined {
  const { arrays, t_cur, t_next, tol, tol_f64, gradients } = evaluation;
  const bottleneck = golden.array(evaluation.bottleneck);
  const steering = predict(weights)(bottleneck, t_cur, t_next);
  const difference = firstOf(
    one.outputs.flatMap((name) => {
      const ours = steering[name]!;
      return [
        over(name, mixedError(ours, golden.array(arrays[name]!)), tol),
        over(`${name}_f64`, mixedError(ours, golden.array(arrays[`${name}_f64`]!)), tol_f64),
      ];
    }),
  );
  return difference ?? (gradients && compareGradients(golden, one, { ...evaluation, gradients }, weights));
}

function compareGradients(
  golden: Golden,
  one: Case,
  evaluation: CaseEvaluation & Required<Pick<CaseEvaluation, 'gradients'>>,
  weights: Predictor,
): string | undefined {
  const { t_cur, t_next, gradients, gradient_bottleneck, grad_tol_relmax: tol } = evaluation;
  const bottleneck = golden.array(evaluation.bottleneck);
  const forward = predict(weights);
  const cotangent: Steering = Object.fromEntries(
    one.outputs.map((name) => [name, golden.array(one.loss_weights[name])]),
  );

  const training = trainer({ predictor: weights });
  const found = training.gradient([bottleneck, t_cur, t_next], cotangent);

  // Nothing needs this derivative, but it says whether the forward pass reads the bottleneck rightly.
  const objective = (map: Vector) => {
    const at = forward(map, t_cur, t_next);
    const values = one.outputs.flatMap((name) => [
      ...at[name]!.map((value, i) => value * cotangent[name]![i]!),
    ]);
    return values.reduce((sum, value) => sum + value, 0);
  };
  const slope = bottleneck.map((value, i) => {
    const [up, down] = [1e-4, -1e-4].map((by) => objective(bottleneck.with(i, value + by)));
    return (up! - down!) / 2e-4;
  });

  return firstOf([
    ...Object.entries(gradients).map(([name, array]) =>
      over(`gradient of ${name}`, relativeToLargest(found[name] ?? [], golden.array(array)), tol),
    ),
    over('gradient of the bottleneck', relativeToLargest(slope, golden.array(gradient_bottleneck)), tol),
  ]);
}
