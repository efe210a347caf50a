import type { Vector } from '../solver.js';

/** One number for the whole batch, or one per sample [n]. Against a batch [n × size] it is repeated along each sample. */
export type Scalar = number | Vector;

/** Applies a formula of scalars. A number if all are numbers, else one per sample. */
export function scalar(formula: (...values: number[]) => number, ...scalars: readonly Scalar[]): Scalar {
  const perSample = scalars.find((s) => typeof s !== 'number');
  if (perSample === undefined) return formula(...(scalars as number[]));
  return perSample.map((_, i) => formula(...scalars.map((s) => (typeof s === 'number' ? s : s[i]!))));
}

/** One after the other. */
export function concatenate(vectors: readonly Vector[]): Vector {
  const joined = new Float64Array(vectors.reduce((length, vector) => length + vector.length, 0));
  let start = 0;
  for (const vector of vectors) {
    joined.set(vector, start);
    start += vector.length;
  }
  return joined;
}

/** Σ_k c_k·v_k of batches of equal length, added in the order given. */
export function combine(...terms: readonly (readonly [Scalar, Vector])[]): Vector {
  const sum = new Float64Array(terms[0]![1].length);
  for (const [coefficients, vector] of terms) {
    const perSample = typeof coefficients === 'number' ? [coefficients] : coefficients;
    const size = sum.length / perSample.length;
    for (let sample = 0, i = 0; sample < perSample.length; sample++) {
      const c = perSample[sample]!;
      for (const end = i + size; i < end; i++) sum[i]! += c * vector[i]!;
    }
  }
  return sum;
}

/** a·x + y. */
export function axpy(a: Scalar, x: Vector, y: Vector): Vector {
  return combine([1, y], [a, x]);
}

/** x + y. */
export function add(x: Vector, y: Vector): Vector {
  return combine([1, x], [1, y]);
}

/** dx/dσ = (x − D)/σ. */
export function slopeAt(x: Vector, denoised: Vector, sigma: Scalar): Vector {
  const perSample = typeof sigma === 'number' ? [sigma] : sigma;
  const size = x.length / perSample.length;
  return x.map((value, i) => (value - denoised[i]!) / perSample[Math.floor(i / size)]!);
}
