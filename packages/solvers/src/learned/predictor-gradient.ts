import { addProduct, transposed } from '../math/matrix.js';
import { sigmoid } from '../output.js';
import { BOTTLENECK_SIZE, type Predict, type Steering, type Vector } from '../solver.js';
import type { Gradients } from './adam.js';
import { layerOf, layerValues, linear, type Predictor, type Weights } from './predictor.js';

/**
 * The gradient of Σ cotangent · output with respect to every weight of a predictor, by the chain rule, layer by layer.
 *
 * - Costs about two forward passes.
 * - `at`: what the predictor was asked. `cotangent`: of each output, [n × count].
 * - In double. Formulas: docs/maths/gradient.md.
 */
export function predictorGradient(
  predictor: Predictor,
  at: Parameters<Predict>,
  cotangent: Steering,
): Gradients {
  const { outputs, weights } = predictor;
  const [bottleneck] = at;
  const { levels, times, hidden, features, joined } = layerValues(predictor, at);
  const found: Record<string, Vector> = {};
  const toJoined = new Float64Array(joined.length);
  for (const output of outputs) {
    const layer = layerOf(output);
    const by = cotangent[output.name]!;
    const toZ = linear(weights, layer, joined).map((z, i) => by[i]! * output.range.slope(z));
    Object.assign(found, toWeights(weights, layer, joined, toZ));
    accumulate(toJoined, toInputs(weights, layer, toZ));
  }
  const n = bottleneck.length / BOTTLENECK_SIZE;
  const width = joined.length / n;
  const own = width - times.length;
  const toEncoded = new Float64Array(n * own);
  const toTimes = new Float64Array(times.length); // which all samples share
  for (let i = 0; i < n; i++) {
    const row = toJoined.subarray(i * width, (i + 1) * width);
    toEncoded.set(row.subarray(0, own), i * own);
    accumulate(toTimes, row.subarray(own));
  }
  const toHidden = throughSilu(hidden, toInputs(weights, 'enc_layer1', toEncoded));
  return Object.assign(
    found,
    toWeights(weights, 'enc_layer1', features, toEncoded),
    toWeights(weights, 'enc_layer0', bottleneck, toHidden),
    toWeights(weights, 'map_layer0', levels, throughSilu(times, toTimes)),
  );
}

/** From the cotangent of a linear layer's outputs [rows × out], with its inputs [rows × in], that of its weights. */
function toWeights(weights: Weights, name: string, inputs: Vector, toOutputs: Vector): Gradients {
  const bias = new Float64Array(weights[`${name}.bias`]!.data.length);
  for (let at = 0; at < toOutputs.length; at += bias.length)
    accumulate(bias, toOutputs.subarray(at, at + bias.length));
  const matrix = new Float64Array(weights[`${name}.weight`]!.data.length);
  addProduct(matrix, transposed(toOutputs, bias.length), inputs, toOutputs.length / bias.length);
  return { [`${name}.weight`]: matrix, [`${name}.bias`]: bias };
}

/** From the cotangent of a linear layer's outputs [rows × out] that of its inputs, [rows × in]. */
function toInputs(weights: Weights, name: string, toOutputs: Vector): Vector {
  const matrix = Float64Array.from(weights[`${name}.weight`]!.data);
  const outputs = weights[`${name}.bias`]!.data.length;
  const found = new Float64Array((toOutputs.length * matrix.length) / outputs ** 2);
  addProduct(found, toOutputs, matrix, outputs);
  return found;
}

/** The cotangent of what a silu reads: silu′(x) = s(x) (1 + x (1 − s(x))), s the sigmoid. */
function throughSilu(inputs: Vector, toOutputs: Vector): Vector {
  return inputs.map((x, i) => {
    const s = sigmoid(x);
    return toOutputs[i]! * s * (1 + x * (1 - s));
  });
}

function accumulate(sum: Vector, values: Vector): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}
