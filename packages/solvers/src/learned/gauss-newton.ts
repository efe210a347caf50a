import type { Steering, Vector } from '../solver.js';
import type { PredictorSettings } from './predictor.js';

/** One output of the predictor in one interval, and how the end of the trajectory moves with it. */
export interface OutputSlope {
  readonly interval: number;
  readonly output: keyof Steering;
  /** ∂x by each sample's own output, [n × size]. */
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
 * - The model is one of the outputs' logits, where a sigmoid has no ends, and holds for each sample by itself:
 *   gᵀδ + ½ δᵀ(JᵀJ + Λ)δ with g = Jᵀerror, δ how far the logits have moved, J the slopes by the logits.
 * - Λ is diagonal, 2 % of each output's mean curvature in the batch: a sample that hardly feels an output doesn't fling it
 *   away.
 * - Source: Levenberg 1944, Marquardt 1963.
 */
export function gaussNewton({
  steerings,
  slopes,
  error,
  settings,
}: {
  /** By interval: where the slopes were taken. */
  readonly steerings: readonly Steering[];
  readonly slopes: readonly OutputSlope[];
  /** Student − target, [n × size]. */
  readonly error: Vector;
  readonly settings: PredictorSettings;
}): (now: readonly Steering[]) => Steering[] {
  const n = steerings[0]!.r.length;
  const size = error.length / n;
  const coordinate = coordinates(settings);
  const at = slopes.map(({ interval, output }) => coordinate(steerings[interval]![output], output));
  const count = slopes.length;
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
    const found = now.map(({ r }) => ({
      r: new Float64Array(r.length),
      scaleDir: new Float64Array(r.length),
      scaleTime: new Float64Array(r.length),
    }));
    const here = slopes.map(({ interval, output }) => coordinate(now[interval]![output], output));
    const moved = here.map(({ logit }, a) => logit.map((value, i) => value - at[a]!.logit[i]!));
    for (const [a, { interval, output }] of slopes.entries())
      for (let i = 0; i < n; i++) {
        let derivative = gradient[a]![i]! + held[a]! * moved[a]![i]!;
        for (let b = 0; b < count; b++) derivative += between(a, b)[i]! * moved[b]![i]!;
        found[interval]![output][i] = derivative / n / Math.max(here[a]!.slope[i]!, leastSlope);
      }
    return found;
  };
}

/** An output's logit and the output's slope by it, for each sample. */
function coordinates({ scaleDir, scaleTime }: PredictorSettings) {
  const reach = { scaleDir, scaleTime };
  return (values: Vector, output: keyof Steering) => {
    const [from, length] = output === 'r' ? [0, 1] : [1 - reach[output], 2 * reach[output]];
    const share = values.map((value) => Math.min(1 - 1e-12, Math.max(1e-12, (value - from) / length)));
    return {
      logit: share.map((p) => Math.log(p / (1 - p))),
      slope: share.map((p) => length * p * (1 - p)),
    };
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
