import { addProduct, transposed } from '../math/matrix.js';
import { type Output, sigmoid } from '../output.js';
import { BOTTLENECK_SIZE, type Predict, type Vector } from '../solver.js';
import { PredictorError } from './predictor-error.js';

/** A matrix [out, in] or a bias [out] of a layer, row-major. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Weights by their official names, as `enc_layer0.weight`. */
export type Weights = Readonly<Record<string, Weight>>;

/** A predictor as data, AMED's network for any outputs: about 9,000 weights under the official names. */
export interface Predictor {
  /** Of the student that it steers, in the order of its layers. */
  readonly outputs: readonly Output[];
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

/** The layer that gives an output. */
export const layerOf = ({ name }: Output): string => `fc_${name}`;

/** The linear layers of a predictor in their official order: [name, inputs, outputs]. */
export const layers = (outputs: readonly Output[]): readonly (readonly [string, number, number])[] => [
  ['map_layer0', embeddedWidth, embeddedWidth],
  ['enc_layer0', BOTTLENECK_SIZE, hiddenWidth],
  ['enc_layer1', hiddenWidth, encodedWidth],
  ...outputs.map((output) => [layerOf(output), joinedWidth, output.count] as const),
];

/**
 * The predictor's forward pass, in double arithmetic.
 *
 * - Reads the bottleneck [n × 64] that opens a step and the step's two noise levels; gives each output, [n × count].
 * - Source: AMED-Solver, arXiv:2312.00094, section 3.3; layers and names as in the official code.
 *
 * @throws PredictorError (E_PREDICTOR) if weights are missing, unknown, of another shape or not finite
 */
export function predict(predictor: Predictor): Predict {
  checkPredictor(predictor);
  const { outputs, weights } = predictor;
  return (...at) => {
    const { joined } = layerValues(predictor, at);
    return Object.fromEntries(
      outputs.map((output) => [output.name, linear(weights, layerOf(output), joined).map(output.range.at)]),
    );
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

const silu = (x: number) => x * sigmoid(x);

/**
 * Checks that a predictor from outside has exactly the weights that its outputs ask for.
 *
 * @throws PredictorError (E_PREDICTOR)
 */
export function checkPredictor({ outputs, weights }: Predictor): void {
  const expected = new Map<string, readonly number[]>();
  for (const [name, from, to] of layers(outputs))
    expected.set(`${name}.weight`, [to, from]).set(`${name}.bias`, [to]);
  const told = outputs.map(({ name }) => name).join(', ');
  for (const name of new Set([...expected.keys(), ...Object.keys(weights)])) {
    const [shape, found] = [expected.get(name), weights[name]];
    if (String(shape) !== String(found?.shape))
      throw new PredictorError(
        'E_PREDICTOR',
        `a predictor of ${told} has ${name} ${shape ? `[${shape}]` : 'not at all'}; found ${found ? `[${found.shape}]` : 'none'}. Give the settings that it was trained with.`,
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
