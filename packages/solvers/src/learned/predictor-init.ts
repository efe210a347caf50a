import { numpySeed, torchCpu } from '../random/torch-cpu.js';
import { layers, type Predictor, type PredictorSettings, type Weight } from './predictor.js';

/**
 * An untrained predictor, weight for weight the official one of that training seed.
 *
 * - Matrices: `map_layer0` uniform within ±√(6/(in+out)), the others normal with deviation 1/√in. Biases: 0, but drawn.
 * - `seed`: as `--seed` of the official training, a whole number ≥ 0.
 * - Source: initialisation of EDM's layers, arXiv:2206.00364 appendix F; draw order of the official code.
 */
export function initPredictor({
  seed,
  scaleDir,
  scaleTime,
}: PredictorSettings & { readonly seed: number }): Predictor {
  const generator = torchCpu(numpySeed(seed));
  const weights: Record<string, Weight> = {};
  for (const [name, inputs, outputs] of layers({ scaleDir, scaleTime })) {
    const uniform = name === 'map_layer0';
    const draw = uniform ? generator.rand : generator.randn;
    const matrix = uniform
      ? draw(outputs * inputs).map((u) => (2 * u - 1) * Math.sqrt(6 / (inputs + outputs)))
      : draw(outputs * inputs).map((z) => z / Math.sqrt(inputs));
    draw(outputs);
    weights[`${name}.weight`] = { shape: [outputs, inputs], data: Float32Array.from(matrix) };
    weights[`${name}.bias`] = { shape: [outputs], data: new Float32Array(outputs) };
  }
  return { scaleDir, scaleTime, weights };
}
