import { describe, expect, it } from 'vitest';
import { torchCpu } from '../random/torch-cpu.js';
import type { Predict, Steering } from '../solver.js';
import { placement } from '../students/placement.js';
import { type Predictor, predict } from './predictor.js';
import { initPredictor } from './predictor-init.js';
import { trainer } from './predictor-trainer.js';

const n = 3;
const at = [
  torchCpu(1)
    .randn(n * 64)
    .map(Math.tanh),
  9.7,
  0.47,
] as const;
const cotangent: Steering = {
  r: Float64Array.of(1, -2, 0.5),
  scale_dir: Float64Array.of(30, 10, -20),
  scale_time: Float64Array.of(-1, 3, 2),
};

function objective(predictor: Predictor): number {
  return weighed(predict(predictor));
}

function weighed(output: Predict): number {
  return Object.entries(output(...at)).reduce(
    (sum, [name, values]) => values.reduce((part, value, i) => part + value * cotangent[name]![i]!, sum),
    0,
  );
}

/** ∂objective by one weight, by central differences in double. The weight itself is float32. */
function difference(output: Predict, weight: Float32Array, index: number): number {
  const before = weight[index]!;
  const [up, down] = [2 ** -11, -(2 ** -11)].map((by) => {
    weight[index] = before + by;
    return { weight: weight[index]!, value: weighed(output) };
  });
  weight[index] = before;
  return (up!.value - down!.value) / (up!.weight - down!.weight);
}

describe('trainer', () => {
  it.each([
    { scale_dir: 0.05, scale_time: 0.2 },
    { scale_dir: 0.05, scale_time: 0 },
    { scale_dir: 0, scale_time: 0.2 },
    { scale_dir: 0, scale_time: 0 },
  ])('gradient by every weight, %o', (settings) => {
    const predictor = initPredictor({ seed: 2, outputs: placement(settings) });
    const found = trainer({ predictor }).gradient([...at], cotangent);
    expect(Object.keys(found).sort()).toEqual(Object.keys(predictor.weights).sort());
    const output = predict(predictor); // reads the weights each time it is asked
    for (const [name, { data }] of Object.entries(predictor.weights)) {
      const gradient = found[name]!;
      expect(gradient).toHaveLength(data.length);
      const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeGreaterThan(0);
      for (let i = 0; i < data.length; i++) {
        const error = Math.abs(gradient[i]! - difference(output, data, i)) / largest;
        if (!(error < 1e-6)) expect.fail(`${name}[${i}] is off by ${error} of the largest`);
      }
    }
  });

  it('descends: the objective falls, and a predictor that was read stays as it was', () => {
    const predictor = initPredictor({ seed: 2, outputs: placement({ scale_dir: 0.05, scale_time: 0.2 }) });
    const training = trainer({ predictor, lr: 1e-3 });
    expect(training.predictor).toEqual(predictor);
    const gradients = training.gradient([...at], cotangent);
    training.descend(gradients);
    const after = training.predictor;
    expect(objective(after)).toBeLessThan(objective(predictor) - 1e-3);
    expect(after.weights['fc_r.bias']!.data[0]).toBeCloseTo(
      -1e-3 * Math.sign(gradients['fc_r.bias']![0]!),
      7,
    );
    const kept = { ...after, weights: structuredClone(after.weights) };
    training.descend(gradients);
    expect(after).toEqual(kept);
    expect(training.predictor).not.toEqual(kept);
  });

  it('refuses a damaged predictor', () => {
    const predictor = initPredictor({ seed: 2, outputs: placement({ scale_dir: 0.05, scale_time: 0 }) });
    expect(() =>
      trainer({ predictor: { ...predictor, outputs: placement({ scale_dir: 0.05, scale_time: 0.2 }) } }),
    ).toThrowError(expect.objectContaining({ code: 'E_PREDICTOR' }));
  });
});
