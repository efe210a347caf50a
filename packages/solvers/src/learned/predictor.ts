import { BOTTLENECK_SIZE } from '../drive/analytical-first-step.js';
import { addProduct, transposed } from '../math/matrix.js';
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
const hiddenWidth = 128;
/** What the output layers read: 4 of the bottleneck, 8 of each of the two noise levels. */
const encodedWidth = 4;
const embeddedWidth = 8;
const joinedWidth = encodedWidth + 2 * embeddedWidth;

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
    ['map_layer0', embeddedWidth, embeddedWidth],
    ['enc_layer0', BOTTLENECK_SIZE, hiddenWidth],
    ['enc_layer1', hiddenWidth, encodedWidth],
    ['fc_r', joinedWidth, 1],
    ...(scaleDir > 0 ? [['fc_scale_dir', joinedWidth, 1] as const] : []),
    ...(scaleTime > 0 ? [['fc_scale_time', joinedWidth, 1] as const] : []),
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
  return (...at) => {
    const { joined } = layerValues(predictor, at);
    const output = (name: string) => linear(weights, name, joined).map(sigmoid);
    const r = output('fc_r');
    const scale = (name: string, setting: number) =>
      setting > 0
        ? output(name).map((part) => 1 + setting * (2 * part - 1))
        : new Float64Array(r.length).fill(1);
    return { r, scaleDir: scale('fc_scale_dir', scaleDir), scaleTime: scale('fc_scale_time', scaleTime) };
  };
}

/** What the layers make of a batch: rows are samples, or the two noise levels that all samples share. */
export interface LayerValues {
  /** The noise levels as `embedSigma` gives them, [2 × 8]. */
  readonly levels: Vector;
  /** Of these the linear layer, before its silu, [2 × 8]. */
  readonly times: Vector;
  /** Of the bottleneck the first linear layer, before and after its silu, [n × 128]. */
  readonly hidden: Vector;
  readonly features: Vector;
  /** What the output layers read, [n × 20]: 4 of the sample, then 8 of each noise level. */
  readonly joined: Vector;
}

/** The forward pass as far as the output layers. */
export function layerValues(
  { weights }: Predictor,
  [bottleneck, sigma, sigmaNext]: Parameters<Predict>,
): LayerValues {
  const levels = embedBoth(sigma, sigmaNext);
  const times = linear(weights, 'map_layer0', levels);
  const shared = times.map(silu);
  const hidden = linear(weights, 'enc_layer0', bottleneck);
  const features = hidden.map(silu);
  const own = linear(weights, 'enc_layer1', features);
  const joined = new Float64Array((own.length / encodedWidth) * joinedWidth);
  for (let at = 0, from = 0; at < joined.length; at += joinedWidth, from += encodedWidth) {
    joined.set(own.subarray(from, from + encodedWidth), at);
    joined.set(shared, at + encodedWidth);
  }
  return { levels, times, hidden, features, joined };
}

/** What the output layers read of a step's two noise levels, after what they read of the bottleneck. */
export function embedLevels({ weights }: Predictor, sigma: number, sigmaNext: number): number[] {
  return [...linear(weights, 'map_layer0', embedBoth(sigma, sigmaNext)).map(silu)];
}

const embedBoth = (sigma: number, sigmaNext: number) =>
  Float64Array.of(...embedSigma(sigma), ...embedSigma(sigmaNext));

/** A linear layer on every row of its inputs: [rows × in] to [rows × out]. */
export function linear(weights: Weights, name: string, inputs: Vector): Float64Array {
  const { data: matrix } = weights[`${name}.weight`]!;
  const { data: bias } = weights[`${name}.bias`]!;
  const width = matrix.length / bias.length;
  const outputs = new Float64Array((inputs.length / width) * bias.length);
  for (let at = 0; at < outputs.length; at += bias.length) outputs.set(bias, at);
  addProduct(outputs, inputs, transposed(matrix, width), width);
  return outputs;
}

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
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
