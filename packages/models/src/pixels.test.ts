import { describe, expect, it } from 'vitest';
import { toGridUint8, toUint8, toUnrounded } from './pixels.js';

describe('bytes of float images', () => {
  it('cut x · 127.5 + 128 off, in float32', () => {
    expect([...toUint8(Float64Array.of(-2, -1, 0, 0.0039, 0.00393, 0.99, 1, 5))]).toEqual([
      0, 0, 128, 128, 128, 254, 255, 255,
    ]);
    // 12.999999… in double: float32 rounds the sum up to 13.
    const x = -115.0000002 / 127.5;
    expect(Math.trunc(x * 127.5 + 128)).toBe(12);
    expect(toUint8(Float64Array.of(x))[0]).toBe(13);
  });

  it('of a grid round x/2 + 0.5 to 255 steps', () => {
    expect([...toGridUint8(Float64Array.of(-2, -1, 0, 1, 5))]).toEqual([0, 0, 128, 255, 255]);
    // 129.9999999 and 0.99999997 before the cut, were it not for the rounding of each operation.
    expect([...toGridUint8(Float64Array.of(0.015686213970184326, -0.9960784316062927))]).toEqual([130, 1]);
    let differing = 0;
    const values = Float32Array.from({ length: 255 }, (_, k) => (k + 1 - 128) / 127.5);
    const [single, grid] = [toUint8(values), toGridUint8(values)];
    for (let i = 0; i < values.length; i++) {
      expect(Math.abs(single[i]! - grid[i]!)).toBeLessThanOrEqual(1);
      if (single[i] !== grid[i]) differing++;
    }
    expect(differing).toBeGreaterThan(0);
  });

  it('are the nearest of what isn’t rounded', () => {
    const values = Float64Array.from({ length: 401 }, (_, i) => (i - 200) / 170.3);
    const [bytes, whole] = [toUint8(values), toUnrounded(values)];
    expect([...bytes]).toEqual([...whole].map((value) => Math.floor(value + 0.5)));
    expect([...toUnrounded(Float64Array.of(-2, -1, 0.2, 1, 5, NaN))]).toEqual([0, 0, 153, 255, 255, NaN]);
  });

  it('are not made of NaN', () => {
    expect(() => toUint8(Float64Array.of(0, NaN))).toThrow(
      expect.objectContaining({ code: 'E_NONFINITE', evidence: { index: 1 } }),
    );
    expect(() => toGridUint8(Float32Array.of(NaN))).toThrow(/NaN/);
  });
});
