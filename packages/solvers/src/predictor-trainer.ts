import {
  add,
  concat,
  dispose,
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
  tidy,
  tile,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { adam, type Gradients } from './adam.js';
import { checkPredictor, embed, type Predictor } from './predictor.js';
import { tensorBackend } from './predictor-backend.js';
import type { Predict, Steering } from './solver.js';

/** A predictor in training. */
export interface Trainer {
  /** What TF.js computes on: `cpu`, `wasm`, `tensorflow`. */
  readonly backend: string;
  /** As it is now: plain data, which later steps don't change. */
  readonly predictor: Predictor;
  /**
   * The gradient of Σ cotangent · output with respect to every weight, at the inputs that the predictor was called with.
   * Float32.
   */
  gradient(at: Parameters<Predict>, cotangent: Steering): Promise<Gradients>;
  /** One step of Adam. */
  descend(gradients: Gradients): Promise<void>;
  /** Frees what TF.js holds. `predictor` stays. */
  dispose(): void;
}

/**
 * Starts to train a predictor, with Adam.
 *
 * - `lr`: learning rate, 5·10⁻³ in the paper and by default.
 *
 * @throws PredictorError (E_PREDICTOR) if the predictor's weights aren't as its settings ask
 */
export async function trainer({
  predictor,
  lr = 5e-3,
}: {
  readonly predictor: Predictor;
  readonly lr?: number;
}): Promise<Trainer> {
  checkPredictor(predictor);
  const backend = await tensorBackend();
  const { scaleDir, scaleTime } = predictor;
  const { variables, step, dispose: disposeAdam } = await adam(predictor.weights, lr);
  let current = predictor;

  const matrix = (name: string) => variables[`${name}.weight`] as Tensor2D;
  const linear = (name: string, x: Tensor2D): Tensor2D =>
    add(matMul(x, matrix(name), false, true), variables[`${name}.bias`]!);

  /** The gradients of a linear layer's weights, from its input and the cotangent of its output. */
  const backward = (name: string, input: Tensor2D, cotangent: Tensor2D): Record<string, Tensor> => ({
    [`${name}.weight`]: matMul(cotangent, input, true),
    [`${name}.bias`]: sum(cotangent, 0),
  });

  /** The chain rule, layer by layer; rows are samples, but for the two noise levels, which all samples share. */
  const gradients = ([features, sigma, sigmaNext]: Parameters<Predict>, cotangent: Steering) => {
    const n = cotangent.r.length;
    const bottleneck = tensor2d(Float32Array.from(features), [n, features.length / n]);
    const hidden = linear('enc_layer0', bottleneck);
    const levels = tensor2d([embed(sigma), embed(sigmaNext)]);
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
  };

  return {
    backend,
    get predictor() {
      return current;
    },
    async gradient(at, cotangent) {
      const tensors = tidy(() => gradients(at, cotangent));
      const read: Record<string, Float32Array> = {};
      for (const name of Object.keys(variables)) read[name] = (await tensors[name]!.data()) as Float32Array;
      dispose(tensors);
      return read;
    },
    async descend(gradient) {
      current = { scaleDir, scaleTime, weights: await step(gradient) };
    },
    dispose: disposeAdam,
  };
}

function silu(x: Tensor2D): Tensor2D {
  return mul(x, sigmoid(x));
}

/** silu′(x) = s(x) (1 + x (1 − s(x))), s the sigmoid. */
function siluSlope(x: Tensor2D): Tensor2D {
  const s = sigmoid(x);
  return mul(s, add(1, mul(x, sub(1, s))));
}
