import { describe, expect, it } from 'vitest';
import { placement } from '../students/placement.js';
import { initPredictor } from './predictor-init.js';

const all = initPredictor({ seed: 1, outputs: placement({ scale_dir: 0.01, scale_time: 0.2 }) });

describe('initPredictor', () => {
  it.each([
    ['map_layer0', 64, -0.21438053250312805, -0.5867714881896973],
    ['enc_layer0', 128 * 64, -0.09257806092500687, -0.07507267594337463],
    ['enc_layer1', 4 * 128, -0.018337752670049667, -0.018902327865362167],
    ['fc_r', 20, 0.06543363630771637, -0.49778279662132263],
    ['fc_scale_dir', 20, 0.17058676481246948, 0.028145404532551765],
    ['fc_scale_time', 20, -0.11357033252716064, -0.08459339290857315],
  ])('%s is the official one of seed 1', (layer, length, first, last) => {
    const { data } = all.weights[`${layer}.weight`]!;
    expect(data).toHaveLength(length);
    expect(data[0]).toBeCloseTo(first, 6);
    expect(data.at(-1)).toBeCloseTo(last, 6);
    expect(all.weights[`${layer}.bias`]!.data.every((bias) => bias === 0)).toBe(true);
  });

  it('has no weights for outputs that do not exist, and the same for those that do', () => {
    const one = initPredictor({ seed: 1, outputs: placement({ scale_dir: 0, scale_time: 0.2 }) });
    expect(Object.keys(one.weights).filter((name) => name.startsWith('fc'))).toEqual([
      'fc_r.weight',
      'fc_r.bias',
      'fc_scale_time.weight',
      'fc_scale_time.bias',
    ]);
    expect(one.weights['fc_r.weight']).toEqual(all.weights['fc_r.weight']);
  });
});
