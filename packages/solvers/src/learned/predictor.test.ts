import { describe, expect, it } from 'vitest';
import type { Output } from '../output.js';
import { placement } from '../students/placement.js';
import { checkPredictor, embedSigma, type Predictor, predict, type Weight } from './predictor.js';
import { PredictorError } from './predictor-error.js';
import { initPredictor } from './predictor-init.js';

const both = placement({ scale_dir: 0.05, scale_time: 0.2 });

/** A predictor whose biases are not 0, as after training. */
function trained(outputs: readonly Output[], seed = 3): Predictor {
  return changed(initPredictor({ seed, outputs }), (data, name) =>
    name.endsWith('.bias') ? data.map((_, i) => Math.sin(i + name.length) / 4) : data,
  );
}

function changed(predictor: Predictor, by: (data: Float32Array, name: string) => Float32Array): Predictor {
  const weights: Record<string, Weight> = {};
  for (const [name, { shape, data }] of Object.entries(predictor.weights))
    weights[name] = { shape, data: by(data, name) };
  return { ...predictor, weights };
}

const bottleneck = Float64Array.from({ length: 3 * 64 }, (_, i) => Math.cos(i * i));
const at = [bottleneck, 9.7, 0.47] as const;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const silu = (x: number) => x * sigmoid(x);

/** A predictor of zeros but for single weights. */
function sparse(entries: Readonly<Record<string, readonly [index: number, value: number]>>): Predictor {
  return changed(initPredictor({ seed: 0, outputs: both }), (data, name) =>
    data.map((_, i) => (entries[name]?.[0] === i ? entries[name][1] : 0)),
  );
}

it('embedSigma is sines, then cosines, of four frequencies from 1 to 10⁻⁴', () => {
  const frequencies = [1, 0.04641588404774666, 0.002154434332624078, 9.999999747378752e-5];
  expect(embedSigma(80)).toEqual([
    ...frequencies.map((frequency) => Math.sin(80 * frequency)),
    ...frequencies.map((frequency) => Math.cos(80 * frequency)),
  ]);
});

describe('predict', () => {
  it('reads the bottleneck through two layers', () => {
    const { r } = predict(
      sparse({
        'enc_layer0.weight': [5 * 64 + 7, 2],
        'enc_layer0.bias': [5, 0.125],
        'enc_layer1.weight': [3 * 128 + 5, 3],
        'enc_layer1.bias': [3, -0.25],
        'fc_r.weight': [3, 0.75],
      }),
    )(...at);
    r!.forEach((value, i) => {
      const feature = silu(2 * bottleneck[i * 64 + 7]! + 0.125);
      expect(value).toBeCloseTo(sigmoid(0.75 * (3 * feature - 0.25)), 12);
    });
  });

  it('reads σ, then the next σ, behind the bottleneck’s four numbers', () => {
    const from = (input: number) =>
      predict(
        sparse({
          'map_layer0.weight': [2 * 8 + 6, 2],
          'map_layer0.bias': [2, 0.5],
          'fc_r.weight': [input, 1],
        }),
      )(...at).r![1];
    const time = (sigma: number) => sigmoid(silu(2 * Math.cos(sigma * 0.002154434332624078) + 0.5));
    expect(from(4 + 2)).toBeCloseTo(time(9.7), 12);
    expect(from(4 + 8 + 2)).toBeCloseTo(time(0.47), 12);
  });

  it('scales by 1 − setting to 1 + setting', () => {
    const scales = (logit: number) => {
      const { scale_dir, scale_time } = predict(
        sparse({ 'fc_scale_dir.bias': [0, logit], 'fc_scale_time.bias': [0, logit] }),
      )(...at);
      return [scale_dir![2], scale_time![2]].map((scale) => expect.closeTo(scale!, 7));
    };
    expect([1.05, 1.2]).toEqual(scales(100));
    expect([0.95, 0.8]).toEqual(scales(-100));
    expect([1.025, 1.1]).toEqual(scales(Math.log(3)));
  });

  it('gives r = ½ and scales of 1 for weights of 0', () => {
    const zero = changed(initPredictor({ seed: 0, outputs: both }), (data) => data.map(() => 0));
    const halfWay = { r: [0.5, 0.5, 0.5], scale_dir: [1, 1, 1], scale_time: [1, 1, 1] };
    const steering = Object.entries(predict(zero)(...at)).map(([name, values]) => [name, [...values]]);
    expect(Object.fromEntries(steering)).toEqual(halfWay);
  });

  it('lets a bias move its own output alone, as far as its setting lets it', () => {
    const pushed = (layer: string) =>
      predict(
        changed(initPredictor({ seed: 0, outputs: both }), (data, name) =>
          data.map(() => (name === `${layer}.bias` ? 100 : 0)),
        ),
      )(...at);
    expect(pushed('fc_r').r![0]).toBe(1);
    expect(pushed('fc_r').scale_dir![0]).toBe(1);
    expect(pushed('fc_scale_dir').scale_dir![0]).toBe(1.05);
    expect(pushed('fc_scale_dir').r![0]).toBe(0.5);
    expect(pushed('fc_scale_time').scale_time![0]).toBe(1.2);
  });

  it('reads each sample by itself', () => {
    const forward = predict(trained(both));
    const alone = forward(bottleneck.subarray(64, 128), 9.7, 0.47);
    expect(forward(...at).r![1]).toBe(alone.r![0]);
    expect(new Set(forward(...at).r).size).toBe(3);
  });

  it('tells the two noise levels apart', () => {
    const forward = predict(trained(both));
    expect(forward(bottleneck, 9.7, 0.47).r![0]).not.toBe(forward(bottleneck, 0.47, 9.7).r![0]);
  });
});

describe('checkPredictor', () => {
  const good = trained(both);
  const { 'fc_r.bias': _, ...lacking } = good.weights;
  const nan = changed(good, (data, name) => (name === 'enc_layer1.bias' ? data.map(() => Number.NaN) : data));
  it.each<[string, Predictor, RegExp]>([
    ['a weight that is missing', { ...good, weights: lacking }, /fc_r\.bias \[1\]; found none/],
    [
      'one of an output that does not exist',
      { ...good, outputs: placement({ scale_dir: 0.05 }) },
      /fc_scale_time\.weight not at all/,
    ],
    [
      'one of another shape',
      { ...good, weights: { ...good.weights, 'fc_r.bias': { shape: [2], data: new Float32Array(2) } } },
      /fc_r\.bias \[1\]; found \[2\]/,
    ],
    [
      'one too short',
      { ...good, weights: { ...good.weights, 'fc_r.bias': { shape: [1], data: new Float32Array(0) } } },
      /1 finite numbers; found 0/,
    ],
    ['one that is not finite', nan, /enc_layer1\.bias/],
  ])('refuses %s', (_what, predictor, message) => {
    expect(() => checkPredictor(predictor)).toThrowError(PredictorError);
    expect(() => predict(predictor)).toThrowError(message);
  });
});
