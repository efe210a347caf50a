import {
  add,
  concat,
  matMul,
  mul,
  reshape,
  sigmoid,
  slice2d,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
  tile,
  type Variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { Predict, Steering } from '../solver.js';
import { embedSigma, type PredictorSettings } from './predictor.js';

/**
 * The gradient of Σ cotangent · output with respect to every weight of a predictor, by the chain rule, layer by layer.
 * Rows are samples, but for the two noise levels, which all samples share. Float32; call it inside `tidy`.
 */
export function predictorGradient(
  variables: Readonly<Record<string, Variable>>,
  { scaleDir, scaleTime }: PredictorSettings,
  [features, sigma, sigmaNext]: Parameters<Predict>,
  cotangent: Steering,
): Record<string, Tensor> {
  const matrix = (name: string) => variables[`${name}.weight`] as Tensor2D;
  const linear = (name: string, x: Tensor2D): Tensor2D =>
    add(matMul(x, matrix(name), false, true), variables[`${name}.bias`]!);

  /** The gradients of a linear layer's weights, from its input and the cotangent of its output. */
  const backward = (name: string, input: Tensor2D, cotangent: Tensor2D): Record<string, Tensor> => ({
    [`${name}.weight`]: matMul(cotangent, input, true),
    [`${name}.bias`]: sum(cotangent, 0),
  });

  const n = cotangent.r.length;
  const bottleneck = tensor2d(Float32Array.from(features), [n, features.length / n]);
  const hidden = linear('enc_layer0', bottleneck);
  const levels = tensor2d([embedSigma(sigma), embedSigma(sigmaNext)]);
  const times = linear('map_layer0', levels);
  const timesRow = reshape(silu(times), [1, times.size]);
  const joined = concat([linear('enc_layer1', silu(hidden)), tile(timesRow, [n, 1])], 1) as Tensor2D;

  const outputs: [name: string, scale: number, cotangent: Float64Array][] = [['fc_r', 1, cotangent.r]];
  if (scaleDir > 0) outputs.push(['fc_scale_dir', 2 * scaleDir, cotangent.scaleDir]);
  if (scaleTime > 0) outputs.push(['fc_scale_time', 2 * scaleTime, cotangent.scaleTime]);
  const found: Record<string, Tensor> = {};
  let toJoined = zerosLike(joined);
  for (const [name, scale, by] of outputs) {
    const output = sigmoid(linear(name, joined));
    const slope = mul(output, sub(1, output));
    const toLogit = mul<Tensor2D>(
      slope,
      tensor2d(
        Float32Array.from(by, (value) => value * scale),
        [n, 1],
      ),
    );
    Object.assign(found, backward(name, joined, toLogit));
    toJoined = add(toJoined, matMul(toLogit, matrix(name)));
  }
  const encoded = joined.shape[1] - times.size;
  const toEncoded = slice2d(toJoined, [0, 0], [n, encoded]);
  const toTimes = reshape(sum(slice2d(toJoined, [0, encoded], [n, times.size]), 0), times.shape);
  const toHidden = mul<Tensor2D>(matMul(toEncoded, matrix('enc_layer1')), siluSlope(hidden));
  return Object.assign(
    found,
    backward('enc_layer1', silu(hidden), toEncoded),
    backward('enc_layer0', bottleneck, toHidden),
    backward('map_layer0', levels, mul<Tensor2D>(toTimes, siluSlope(times))),
  );
}

function silu(x: Tensor2D): Tensor2D {
  return mul(x, sigmoid(x));
}

/** silu′(x) = s(x) (1 + x (1 − s(x))), s the sigmoid. */
function siluSlope(x: Tensor2D): Tensor2D {
  const s = sigmoid(x);
  return mul(s, add(1, mul(x, sub(1, s))));
}
