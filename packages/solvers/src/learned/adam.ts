import type { Variable } from '@tensorflow/tfjs-core';
import type { Weight, Weights } from './predictor.js';
import { tensorBackend } from './predictor-backend.js';

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

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
 * Adam on named weights (β 0.9 and 0.999, ε 10⁻⁸).
 *
 * - `lr`: learning rate.
 * - In double, weights included; rounded to float32 where they leave. TF.js's own Adam takes 1 − 0.999ᵗ from a float32
 *   0.999, which puts every weight of the first steps off by 2·10⁻⁵ of the step in the same direction.
 * - Before use NaN in a gradient becomes 0, +∞ 10⁵ and −∞ −10⁵, as in the official training.
 * - Source: Kingma, Ba 2014, arXiv:1412.6980, algorithm 1.
 */
export async function adam(weights: Weights, lr: number): Promise<Adam> {
  await tensorBackend();
  const { dispose, tensor, variable } = await import('@tensorflow/tfjs-core');
  const variables: Record<string, Variable> = {};
  const moments = Object.entries(weights).map(([name, { data, shape }]) => {
    const initial = tensor(data, [...shape]);
    variables[name] = variable(initial);
    initial.dispose();
    const [mean, square] = [new Float64Array(data.length), new Float64Array(data.length)];
    return { name, shape, values: Float64Array.from(data), mean, square };
  });
  let steps = 0;

  return {
    variables,
    async step(gradients, share = 1) {
      steps++;
      const [ofMean, ofSquare] = [1 - BETA1 ** steps, 1 - BETA2 ** steps];
      const after: Record<string, Weight> = {};
      for (const { name, shape, values, mean, square } of moments) {
        gradients[name]!.forEach((found, i) => {
          const g = finite(found);
          mean[i] = BETA1 * mean[i]! + (1 - BETA1) * g;
          square[i] = BETA2 * square[i]! + (1 - BETA2) * g * g;
          values[i]! -= (share * lr * mean[i]!) / ofMean / (Math.sqrt(square[i]! / ofSquare) + EPSILON);
        });
        after[name] = { shape, data: Float32Array.from(values) };
        const moved = tensor(after[name].data, [...shape]);
        variables[name]!.assign(moved);
        moved.dispose();
      }
      return after;
    },
    dispose() {
      dispose(variables);
    },
  };
}

function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e5;
}
