import { describe, expect, it } from 'vitest';
import { threshold } from './threshold.js';

describe('threshold', () => {
  it('clips to the 0.995 quantile of |D| and divides by it, sample by sample', () => {
    // 201 values 0 … 2: the quantile is the value at place 199 exactly.
    const ramp = Float64Array.from({ length: 201 }, (_, i) => (i % 2 ? -i : i) / 100);
    const small = ramp.map((value) => value / 2);
    const out = threshold(Float64Array.of(...ramp, ...small), 2);
    expect(out[200]).toBe(1);
    expect(out[199]).toBe(-1);
    expect(out[100]).toBeCloseTo(1 / 1.99, 14);
    expect(out.subarray(201)).toEqual(small);
  });

  it('interpolates between two places', () => {
    const out = threshold(Float64Array.of(0, 2), 1);
    expect([...out]).toEqual([0, 1]);
    const three = threshold(Float64Array.of(0, 1, 3), 1);
    expect(three[1]).toBeCloseTo(1 / (1 + 2 * 0.99), 14);
  });
});
