import type { Predict, Steering } from '../solver.js';
import { adam, type Gradients } from './adam.js';
import { checkPredictor, type Predictor } from './predictor.js';
import { tensorBackend } from './predictor-backend.js';

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
  /** One step of Adam. `share`: the part of the learning rate that it takes, 1 by default. */
  descend(gradients: Gradients, share?: number): Promise<void>;
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
  const [{ dispose, tidy }, { predictorGradient }] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('./predictor-gradient.js'),
  ]);
  const { variables, step, dispose: disposeAdam } = await adam(predictor.weights, lr);
  let current = predictor;

  return {
    backend,
    get predictor() {
      return current;
    },
    async gradient(at, cotangent) {
      const tensors = tidy(() => predictorGradient(variables, predictor, at, cotangent));
      const read: Record<string, Float32Array> = {};
      for (const name of Object.keys(variables)) read[name] = (await tensors[name]!.data()) as Float32Array;
      dispose(tensors);
      return read;
    },
    async descend(gradient, share) {
      current = { scaleDir, scaleTime, weights: await step(gradient, share) };
    },
    dispose: disposeAdam,
  };
}
