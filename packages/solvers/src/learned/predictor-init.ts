import type { Output } from '../output.js';
import { numpySeed, torchCpu } from '../random/torch-cpu.js';
import { layerOf, layers, type Predictor, type Weight } from './predictor.js';

/**
 * An untrained predictor, weight for weight the official one of that training seed.
 *
 * - Matrices: `map_layer0` uniform within ±√(6/(in+out)), the others normal with deviation 1/√in. Biases: 0, but drawn.
 * - `seed`: as `--seed` of the official training, a whole number ≥ 0.
 * - Source: initialisation of EDM's layers, arXiv:2206.00364 appendix F; draw order of the official code.
 */
export function initPredictor({
  seed,
  outputs,
}: {
  readonly seed: number;
  readonly outputs: readonly Output[];
}): Predictor {
  const generator = torchCpu(numpySeed(seed));
  const weights: Record<string, Weight> = {};
  for (const [name, from, to] of layers(outputs)) {
    const uniform = name === 'map_layer0';
    const draw = uniform ? generator.rand : generator.randn;
    const matrix = uniform
      ? draw(to * from).map((u) => (2 * u - 1) * Math.sqrt(6 / (from + to)))
      : draw(to * from).map((z) => z / Math.sqrt(from));
    draw(to);
    weights[`${name}.weight`] = { shape: [to, from], data: Float32Array.from(matrix) };
    weights[`${name}.bias`] = { shape: [to], data: new Float32Array(to) };
  }
  return { outputs, weights };
}

/** A predictor whose output layers begin at 0: each output is the centre of its range, whatever the bottleneck. */
export function centred(predictor: Predictor): Predictor {
  const zeros = predictor.outputs.flatMap((output) =>
    ['weight', 'bias'].map((what): [string, Weight] => {
      const name = `${layerOf(output)}.${what}`;
      const { shape, data } = predictor.weights[name]!;
      return [name, { shape, data: new Float32Array(data.length) }];
    }),
  );
  return { ...predictor, weights: { ...predictor.weights, ...Object.fromEntries(zeros) } };
}
