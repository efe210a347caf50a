import type { Output } from '../output.js';
import type { Steering, Vector } from '../solver.js';

/** One number of the predictor in one interval, and how the end of the trajectory moves with it. */
export interface OutputSlope {
  readonly interval: number;
  readonly output: Output;
  /** Which of the output's `count` numbers. */
  readonly index: number;
  /** ∂x by each sample's own number, [n × size]. */
  readonly slope: Vector;
}

/** How far damping holds the outputs back, as a part of the mean curvature. */
const damping = 0.02;
/** The slope of a saturated output counts as this much, so that it can come back. */
const leastSlope = 1e-6;

/**
 * What the loss ½ Σ |error|² / n becomes when the predictor's outputs move, to second order (Gauss–Newton), as a function
 * from the outputs of every interval to its derivative by them.
 *
 * - The model is one of what the output layers give (the logits of r), which has no ends, and holds for each sample by
 *   itself: gᵀδ + ½ δᵀ(JᵀJ + Λ)δ with g = Jᵀerror, δ how far that has moved, J the slopes by it.
 * - Λ is diagonal, 2 % of each number's mean curvature in the batch: a sample that hardly feels an output doesn't fling
 *   it away.
 * - Source: Levenberg 1944, Marquardt 1963.
 */
export function gaussNewton({
  steerings,
  slopes,
  error,
  n,
}: {
  /** By interval: where the slopes were taken. */
  readonly steerings: readonly Steering[];
  readonly slopes: readonly OutputSlope[];
  /** Student − target, [n × size]. */
  readonly error: Vector;
  readonly n: number;
}): (now: readonly Steering[]) => Steering[] {
  const size = error.length / n;
  /** Of one number in one interval: what its layer gives, and its slope by that, for each sample. */
  const coordinate = (
    { interval, output: { name, count, range }, index }: OutputSlope,
    by: readonly Steering[],
  ) => {
    const z = Float64Array.from({ length: n }, (_, i) =>
      range.inverse(by[interval]![name]![i * count + index]!),
    );
    return { z, slope: z.map(range.slope) };
  };
  const at = slopes.map((one) => coordinate(one, steerings));
  const gradient = slopes.map(({ slope }, a) => products(slope, error, n, size, at[a]!.slope));
  const curvature = slopes.map(({ slope }, a) =>
    slopes.slice(0, a + 1).map((other, b) => {
      const both = at[a]!.slope.map((value, i) => value * at[b]!.slope[i]!);
      return products(slope, other.slope, n, size, both);
    }),
  );
  const between = (a: number, b: number) => (a >= b ? curvature[a]![b]! : curvature[b]![a]!);
  const held = slopes.map((_, a) => (damping / n) * between(a, a).reduce((sum, value) => sum + value, 0));
  return (now) => {
    const found = now.map((steering) =>
      Object.fromEntries(
        Object.entries(steering).map(([name, { length }]) => [name, new Float64Array(length)]),
      ),
    );
    const here = slopes.map((one) => coordinate(one, now));
    const moved = here.map(({ z }, a) => z.map((value, i) => value - at[a]!.z[i]!));
    for (const [
      a,
      {
        interval,
        output: { name, count },
        index,
      },
    ] of slopes.entries())
      for (let i = 0; i < n; i++) {
        let derivative = gradient[a]![i]! + held[a]! * moved[a]![i]!;
        for (let b = 0; b < slopes.length; b++) derivative += between(a, b)[i]! * moved[b]![i]!;
        found[interval]![name]![i * count + index] =
          derivative / n / Math.max(here[a]!.slope[i]!, leastSlope);
      }
    return found;
  };
}

/** Σ x·y over each sample, times its factor. */
function products(x: Vector, y: Vector, n: number, size: number, factors: Vector): Vector {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = i * size; j < (i + 1) * size; j++) sum += x[j]! * y[j]!;
    sums[i] = sum * factors[i]!;
  }
  return sums;
}
