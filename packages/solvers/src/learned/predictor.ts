import { BOTTLENECK_SIZE } from '../drive/analytical-first-step.js';
import type { Predict, Vector } from '../solver.js';
import { PredictorError } from './predictor-error.js';

/** A matrix [out, in] or a bias [out] of a layer, row-major. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Weights by their official names, as `enc_layer0.weight`. */
export type Weights = Readonly<Record<string, Weight>>;

/** How far the scales may leave 1: each is in 1 − setting … 1 + setting. At 0 the output does not exist and counts as 1. */
export interface PredictorSettings {
  readonly scaleDir: number;
  readonly scaleTime: number;
}

/** The AMED predictor as data: about 9,000 weights under the official names. */
export interface Predictor extends PredictorSettings {
  readonly weights: Weights;
}

/** Width of the hidden layer that reads the bottleneck. */
const hidden = 128;
/** What the output layers read: 4 of the bottleneck, 8 of each of the two noise levels. */
const encoded = 4;
const embedded = 8;
const joined = encoded + 2 * embedded;

/** 10⁻⁴ˣ for x = 0, 1/3, 2/3, 1 in float32, as the official predictor holds them. */
const frequencies = [0, 1, 2, 3].map((i) => Math.fround(1e-4 ** Math.fround(i / 3)));

/** How the predictor reads a noise level, [8]: 4 sines, then 4 cosines, of it at the frequencies 10⁴^(−i/3). */
export function embedSigma(sigma: number): number[] {
  return [Math.sin, Math.cos].flatMap((wave) => frequencies.map((frequency) => wave(sigma * frequency)));
}

/** The linear layers of a predictor in their official order: [name, inputs, outputs]. */
export function layers({
  scaleDir,
  scaleTime,
}: PredictorSettings): readonly (readonly [string, number, number])[] {
  return [
    ['map_layer0', embedded, embedded],
    ['enc_layer0', BOTTLENECK_SIZE, hidden],
    ['enc_layer1', hidden, encoded],
    ['fc_r', joined, 1],
    ...(scaleDir > 0 ? [['fc_scale_dir', joined, 1] as const] : []),
    ...(scaleTime > 0 ? [['fc_scale_time', joined, 1] as const] : []),
  ];
}

/**
 * The predictor's forward pass, in double arithmetic.
 *
 * - Reads the bottleneck [n × 64] that opens a step and the step's two noise levels; gives r, scaleDir, scaleTime, each [n].
 * - Source: AMED-Solver, arXiv:2312.00094, section 3.3; layers and names as in the official code.
 *
 * @throws PredictorError (E_PREDICTOR) if weights are missing, unknown, of another shape or not finite
 */
export function predict(predictor: Predictor): Predict {
  checkPredictor(predictor);
  const { scaleDir, scaleTime, weights } = predictor;
  const apply = (name: string, inputs: ArrayLike<number>, offset = 0) =>
    linear(weights, name, inputs, offset);
  const scale = (name: string, setting: number, inputs: number[]) =>
    setting > 0 ? 1 + setting * (2 * sigmoid(apply(name, inputs)[0]!) - 1) : 1;

  return (bottleneck: Vector, sigma: number, sigmaNext: number) => {
    const times = embedLevels(predictor, sigma, sigmaNext);
    const n = bottleneck.length / BOTTLENECK_SIZE;
    const steering = {
      r: new Float64Array(n),
      scaleDir: new Float64Array(n),
      scaleTime: new Float64Array(n),
    };
    for (let i = 0; i < n; i++) {
      const features = apply('enc_layer0', bottleneck, i * BOTTLENECK_SIZE).map(silu);
      const inputs = [...apply('enc_layer1', features), ...times];
      steering.r[i] = sigmoid(apply('fc_r', inputs)[0]!);
      steering.scaleDir[i] = scale('fc_scale_dir', scaleDir, inputs);
      steering.scaleTime[i] = scale('fc_scale_time', scaleTime, inputs);
    }
    return steering;
  };
}

/** What the output layers read of a step's two noise levels, after what they read of the bottleneck. */
export function embedLevels({ weights }: Predictor, sigma: number, sigmaNext: number): number[] {
  return [sigma, sigmaNext].flatMap((level) => linear(weights, 'map_layer0', embedSigma(level)).map(silu));
}

function linear(weights: Weights, name: string, inputs: ArrayLike<number>, offset = 0): number[] {
  const { data: matrix } = weights[`${name}.weight`]!;
  const { data: bias } = weights[`${name}.bias`]!;
  const width = matrix.length / bias.length;
  return Array.from(bias, (sum, row) => {
    for (let i = 0; i < width; i++) sum += matrix[row * width + i]! * inputs[offset + i]!;
    return sum;
  });
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const silu = (x: number) => x * sigmoid(x);

/**
 * Checks that a predictor from outside has exactly the weights that its settings ask for.
 *
 * @throws PredictorError (E_PREDICTOR)
 */
export function checkPredictor({ scaleDir, scaleTime, weights }: Predictor): void {
  for (const [name, setting] of Object.entries({ scaleDir, scaleTime }))
    if (!(setting >= 0 && setting <= 1))
      throw new PredictorError(
        'E_PREDICTOR',
        `${name} is how far a scale may leave 1, so from 0 to 1; found ${setting}. The paper uses 0.01 for scaleDir and 0 or 0.2 for scaleTime.`,
        { name, found: setting },
      );
  const expected = new Map<string, readonly number[]>();
  for (const [name, inputs, outputs] of layers({ scaleDir, scaleTime }))
    expected.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);

  const settings = `scaleDir ${scaleDir} and scaleTime ${scaleTime}`;
  for (const name of new Set([...expected.keys(), ...Object.keys(weights)])) {
    const [shape, found] = [expected.get(name), weights[name]];
    if (String(shape) !== String(found?.shape))
      throw new PredictorError(
        'E_PREDICTOR',
        `a predictor with ${settings} has ${name} ${shape ? `[${shape}]` : 'not at all'}; found ${found ? `[${found.shape}]` : 'none'}. Give the settings that it was trained with.`,
        { name, expected: shape, found: found?.shape },
      );
    const length = shape!.reduce((a, b) => a * b);
    if (found!.data.length !== length || !found!.data.every(Number.isFinite))
      throw new PredictorError(
        'E_PREDICTOR',
        `${name} of a predictor is ${length} finite numbers; found ${found!.data.length}${found!.data.length === length ? ', one of them not finite' : ''}. The file is damaged or its training diverged.`,
        { name, expected: length, found: found!.data.length },
      );
  }
}
