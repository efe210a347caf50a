import type { Vector } from '../solver.js';
import type { Weight, Weights } from './predictor.js';

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** Numbers by weight name, each as long as the weight. */
export type Gradients = Readonly<Record<string, Vector>>;

/** Weights that Adam moves, and its moments. */
export interface Adam {
  /** One step down the gradient, with this part of the learning rate (all of it by default); gives the weights after it. */
  step(gradients: Gradients, share?: number): Weights;
}

/**
 * Adam on named weights (β 0.9 and 0.999, ε 10⁻⁸).
 *
 * - `lr`: learning rate.
 * - In double, weights included; rounded to float32 where they leave.
 * - Before use NaN in a gradient becomes 0, +∞ 10⁵ and −∞ −10⁵, as in the official training.
 * - Source: Kingma, Ba 2014, arXiv:1412.6980, algorithm 1.
 */
export function adam(weights: Weights, lr: number): Adam {
  const moments = Object.entries(weights).map(([name, { data, shape }]) => {
    const [mean, square] = [new Float64Array(data.length), new Float64Array(data.length)];
    return { name, shape, values: Float64Array.from(data), mean, square };
  });
  let steps = 0;

  return {
    step(gradients, share = 1) {
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
      }
      return after;
    },
  };
}

function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e5;
}
