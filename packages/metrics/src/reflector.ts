/** Householder's reflection H = I − τ v vᵀ with v₀ = 1, that takes a vector x to (β, 0, …, 0). */
export interface Reflector {
  readonly v: Float64Array;
  /** 0 where x is there already: H = I. */
  readonly tau: number;
  readonly beta: number;
}

/**
 * That of the `size` numbers x which stand in `numbers` from `start` on, `stride` apart. They are scaled first, so that no
 * square is out of range.
 *
 * Source: Golub and Van Loan, Matrix Computations, 5.1.
 */
export function reflector(numbers: Float64Array, start: number, size: number, stride = 1): Reflector {
  const v = new Float64Array(size);
  for (let i = 0; i < size; i++) v[i] = numbers[start + i * stride]!;
  const first = v[0]!;
  const rest = v.subarray(1).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (rest === 0) {
    v[0] = 1;
    return { v, tau: 0, beta: first };
  }
  const scale = Math.max(rest, Math.abs(first));
  const square = v.reduce((sum, value) => sum + (value / scale) ** 2, 0);
  const length = first >= 0 ? -Math.sqrt(square) : Math.sqrt(square);
  const pivot = first / scale - length;
  for (let i = 1; i < size; i++) v[i]! /= scale * pivot;
  v[0] = 1;
  return { v, tau: -pivot / length, beta: scale * length };
}
