import { describe, expect, it } from 'vitest';
import type { Output } from '../output.js';
import { placement } from '../students/placement.js';
import { gaussNewton, type OutputSlope } from './gauss-newton.js';

const [r, scaleDir] = placement({ scale_dir: 0.05 }) as readonly [Output, Output];
const n = 2;
const size = 3;
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const steering = (r: number[], scaleDir: number[]) => ({
  r: Float64Array.from(r),
  scale_dir: Float64Array.from(scaleDir),
  never: new Float64Array(n).fill(1),
});
type Steered = ReturnType<typeof steering>;
const at = [steering([0.3, 0.6], [1.01, 0.99]), steering([0.5, 0.2], [1, 1.03])];
const slopes: OutputSlope[] = [
  { interval: 0, output: r, index: 0, slope: Float64Array.of(1, 2, -1, 0.5, 0, 1) },
  { interval: 0, output: scaleDir, index: 0, slope: Float64Array.of(30, -10, 5, 8, 20, 4) },
  { interval: 1, output: r, index: 0, slope: Float64Array.of(0, 3, 1, -2, 1, 0.5) },
];
const error = Float64Array.of(0.2, -0.1, 0.4, 0.3, 0.5, -0.6);

/** Logits of the three outputs of sample i, and back. */
const logit = (p: number) => Math.log(p / (1 - p));
const logitsOf = (by: readonly Steered[], i: number) => [
  logit(by[0]!.r[i]!),
  logit((by[0]!.scale_dir[i]! - 0.95) / 0.1),
  logit(by[1]!.r[i]!),
];
const outputs = (z: number[]) => [sigmoid(z[0]!), 0.95 + 0.1 * sigmoid(z[1]!), sigmoid(z[2]!)];
const slopeBy = (z: number[]) =>
  z.map((value, a) => (a === 1 ? 0.1 : 1) * sigmoid(value) * (1 - sigmoid(value)));

/** The model written down as a number: ½ Σ|error + J δ|² / n and the damping, of sample i at logits z. */
function model(z: number[], i: number): number {
  const z0 = logitsOf(at, i);
  const by = slopeBy(z0);
  let sum = 0;
  for (let j = i * size; j < (i + 1) * size; j++) {
    let e = error[j]!;
    slopes.forEach(({ slope }, a) => {
      e += slope[j]! * by[a]! * (z[a]! - z0[a]!);
    });
    sum += e * e;
  }
  slopes.forEach(({ slope }, a) => {
    let mean = 0;
    for (let s = 0; s < n; s++)
      for (let j = s * size; j < (s + 1) * size; j++)
        mean += (slope[j]! * slopeBy(logitsOf(at, s))[a]!) ** 2 / n;
    sum += 0.02 * mean * (z[a]! - z0[a]!) ** 2;
  });
  return sum / 2 / n;
}

describe('gaussNewton', () => {
  const derivative = gaussNewton({ steerings: at, slopes, error, n });

  it.each([
    ['where the slopes were taken', at],
    ['elsewhere', [steering([0.4, 0.1], [0.96, 1.02]), steering([0.7, 0.3], [1, 1])]],
  ])('is the derivative of the damped model, %s', (_, now) => {
    const found = derivative(now);
    for (let i = 0; i < n; i++) {
      const z = logitsOf(now, i);
      const by = slopeBy(z);
      const expected = z.map((_, a) => {
        const side = (sign: number) =>
          model(
            z.map((value, b) => value + (a === b ? sign * 1e-5 : 0)),
            i,
          );
        return (side(1) - side(-1)) / 2e-5 / by[a]!;
      });
      const values = [found[0]!.r![i]!, found[0]!.scale_dir![i]!, found[1]!.r![i]!];
      values.forEach((value, a) => {
        expect(Math.abs(value / expected[a]! - 1)).toBeLessThan(1e-6);
      });
      expect(outputs(z)[0]).toBeCloseTo(now[0]!.r[i]!, 12);
    }
  });

  it('takes each number of an output by itself', () => {
    const pair: Output = { ...r, name: 'pair', count: 2 };
    const both = at.map(({ r: first, scale_dir: second }) => ({
      pair: Float64Array.from(
        { length: 2 * n },
        (_, i) => (i % 2 === 0 ? first : second)[i >> 1]! - (i % 2) / 2,
      ),
    }));
    const apart = both.map((one) => ({
      first: one.pair.filter((_, i) => i % 2 === 0),
      second: one.pair.filter((_, i) => i % 2 === 1),
    }));
    const [first, second] = ['first', 'second'].map((name): Output => ({ ...r, name })) as [Output, Output];
    const asPair = slopes.map((one) => ({ ...one, output: pair, index: one.output === r ? 0 : 1 }));
    const asTwo = slopes.map((one) => ({ ...one, output: one.output === r ? first : second }));
    const found = gaussNewton({ steerings: both, slopes: asPair, error, n })(both.toReversed());
    const expected = gaussNewton({ steerings: apart, slopes: asTwo, error, n })(apart.toReversed());
    expected.forEach((one, k) => {
      expect(found[k]!.pair!.filter((_, i) => i % 2 === 0)).toEqual(one.first);
      expect(found[k]!.pair!.filter((_, i) => i % 2 === 1)).toEqual(one.second);
    });
  });

  it('leaves alone what has no slope', () => {
    const found = derivative(at);
    expect(found[1]!.scale_dir).toEqual(new Float64Array(n));
    expect(found.map(({ never }) => never)).toEqual([new Float64Array(n), new Float64Array(n)]);
  });

  it('gives finite numbers for saturated outputs', () => {
    const ends = [steering([0, 1], [0.95, 1.05]), at[1]!];
    for (const { r, scale_dir } of gaussNewton({ steerings: ends, slopes, error, n })(ends))
      for (const value of [...r!, ...scale_dir!]) expect(Number.isFinite(value)).toBe(true);
  });
});
