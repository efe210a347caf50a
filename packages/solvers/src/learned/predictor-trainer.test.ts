import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { torchCpu } from '../random/torch-cpu.js';
import type { Steering } from '../solver.js';
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
  scaleDir: Float64Array.of(30, 10, -20),
  scaleTime: Float64Array.of(-1, 3, 2),
};

function objective(predictor: Predictor): number {
  const steering = predict(predictor)(...at);
  const { r, scaleDir, scaleTime } = cotangent;
  return r.reduce(
    (sum, value, i) =>
      sum +
      value * steering.r[i]! +
      scaleDir[i]! * steering.scaleDir[i]! +
      scaleTime[i]! * steering.scaleTime[i]!,
    0,
  );
}

/** ∂objective by one weight, by central differences in double. The weight itself is float32. */
function difference(predictor: Predictor, name: string, index: number): number {
  const { shape, data } = predictor.weights[name]!;
  const [up, down] = [1e-3, -1e-3].map((by) => {
    const moved = data.slice();
    moved[index]! += by;
    const weights = { ...predictor.weights, [name]: { shape, data: moved } };
    return { weight: moved[index]!, value: objective({ ...predictor, weights }) };
  });
  return (up!.value - down!.value) / (up!.weight - down!.weight);
}

describe('trainer', () => {
  it.each([
    { scaleDir: 0.05, scaleTime: 0.2 },
    { scaleDir: 0, scaleTime: 0.2 },
    { scaleDir: 0, scaleTime: 0 },
  ])('gradient of every kind of weight, %o', async (settings) => {
    const predictor = initPredictor({ seed: 2, ...settings });
    const { gradient, dispose } = await trainer({ predictor });
    const found = await gradient([...at], cotangent);
    dispose();
    expect(Object.keys(found).sort()).toEqual(Object.keys(predictor.weights).sort());
    for (const [name, { data }] of Object.entries(predictor.weights)) {
      expect(found[name]).toHaveLength(data.length);
      const largest = found[name]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeGreaterThan(0);
      const stride = Math.ceil(data.length / 40) | 1;
      for (let i = 0; i < data.length; i += stride)
        expect(Math.abs(found[name]![i]! - difference(predictor, name, i)) / largest).toBeLessThan(1e-5);
    }
  });

  it('descends: the objective falls, and a predictor that was read stays as it was', async () => {
    const predictor = initPredictor({ seed: 2, scaleDir: 0.05, scaleTime: 0.2 });
    const training = await trainer({ predictor, lr: 1e-3 });
    expect(training.predictor).toEqual(predictor);
    const gradients = await training.gradient([...at], cotangent);
    await training.descend(gradients);
    const after = training.predictor;
    expect(objective(after)).toBeLessThan(objective(predictor) - 1e-3);
    expect(after.weights['fc_r.bias']!.data[0]).toBeCloseTo(
      -1e-3 * Math.sign(gradients['fc_r.bias']![0]!),
      7,
    );
    const kept = structuredClone(after);
    await training.descend(gradients);
    expect(after).toEqual(kept);
    expect(training.predictor).not.toEqual(kept);
    training.dispose();
  });

  it('frees its tensors', async () => {
    const before = memory().numTensors;
    const predictor = initPredictor({ seed: 2, scaleDir: 0.05, scaleTime: 0 });
    const training = await trainer({ predictor });
    const held = memory().numTensors;
    await training.descend(await training.gradient([...at], cotangent));
    expect(memory().numTensors - held).toBeLessThanOrEqual(2 * Object.keys(predictor.weights).length);
    const steady = memory().numTensors;
    await training.descend(await training.gradient([...at], cotangent));
    expect(memory().numTensors).toBe(steady);
    training.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('refuses a damaged predictor', async () => {
    const predictor = initPredictor({ seed: 2, scaleDir: 0.05, scaleTime: 0 });
    await expect(trainer({ predictor: { ...predictor, scaleTime: 0.2 } })).rejects.toMatchObject({
      code: 'E_PREDICTOR',
    });
  });
});
