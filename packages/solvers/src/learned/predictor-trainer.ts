import type { Predict, Steering } from '../solver.js';
import { adam, type Gradients } from './adam.js';
import { checkPredictor, type Predictor } from './predictor.js';
import { predictorGradient } from './predictor-gradient.js';

/** A predictor in training. */
export interface Trainer {
  /** As it is now: plain data, which later steps don't change. */
  readonly predictor: Predictor;
  /**
   * The gradient of Σ cotangent · output with respect to every weight, at the inputs that the predictor was called with.
   * Double.
   */
  gradient(at: Parameters<Predict>, cotangent: Steering): Gradients;
  /** One step of Adam. `share`: the part of the learning rate that it takes, 1 by default. */
  descend(gradients: Gradients, share?: number): void;
}

/**
 * Starts to train a predictor, with Adam.
 *
 * - `lr`: learning rate, 5·10⁻³ in the paper and by default.
 *
 * @throws PredictorError (E_PREDICTOR) if the predictor's weights aren't as its outputs ask
 */
export function trainer({
  predictor,
  lr = 5e-3,
}: {
  readonly predictor: Predictor;
  readonly lr?: number;
}): Trainer {
  checkPredictor(predictor);
  const { outputs, weights } = predictor;
  const { step } = adam(weights, lr);
  let current = predictor;

  return {
    get predictor() {
      return current;
    },
    gradient: (at, cotangent) => predictorGradient(current, at, cotangent),
    descend(gradients, share) {
      current = { outputs, weights: step(gradients, share) };
    },
  };
}
