import type { Variable } from '@tensorflow/tfjs-core';
import type { Weights } from './predictor.js';
import { tensorBackend } from './predictor-backend.js';

/** Numbers by weight name, each as long as the weight. */
export type Gradients = Readonly<Record<string, Float32Array>>;

/** Weights that Adam moves, and its moments. */
export interface Adam {
  /** The weights as TF.js holds them, to differentiate with respect to. */
  readonly variables: Readonly<Record<string, Variable>>;
  /** One step down the gradient, with this part of the learning rate (all of it by default); gives the weights after it. */
  step(gradients: Gradients, share?: number): Promise<Weights>;
  /** Frees what TF.js holds. */
  dispose(): void;
}

/**
 * Adam on named weights (β 0.9 and 0.999, ε 10⁻⁸), in TF.js, float32.
 *
 * - `lr`: learning rate.
 * - Before use NaN in a gradient becomes 0, +∞ 10⁵ and −∞ −10⁵, as in the official training.
 * - Source: Kingma, Ba 2014, arXiv:1412.6980, algorithm 1.
 */
export async function adam(weights: Weights, lr: number): Promise<Adam> {
  await tensorBackend();
  const { AdamOptimizer, dispose, tensor, variable } = await import('@tensorflow/tfjs-core');
  const names = Object.keys(weights);
  const variables: Record<string, Variable> = {};
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const initial = tensor(data, [...shape]);
    variables[name] = variable(initial);
    initial.dispose();
  }
  /** TF.js lets only its own classes set the rate anew. */
  class Optimizer extends AdamOptimizer {
    set rate(rate: number) {
      this.learningRate = rate;
    }
  }
  const optimizer = new Optimizer(lr, 0.9, 0.999, 1e-8);

  return {
    variables,
    async step(gradients, share = 1) {
      optimizer.rate = share * lr;
      const steps = names.map((name) => ({
        name: variables[name]!.name,
        tensor: tensor(gradients[name]!.map(finite), variables[name]!.shape),
      }));
      optimizer.applyGradients(steps);
      dispose(steps.map((step) => step.tensor));
      const after: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
      for (const name of names)
        after[name] = { shape: weights[name]!.shape, data: (await variables[name]!.data()) as Float32Array };
      return after;
    },
    dispose() {
      optimizer.dispose();
      dispose(variables);
    },
  };
}

function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e5;
}
