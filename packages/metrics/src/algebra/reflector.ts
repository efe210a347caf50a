/** Householder's reflection H = I − τ v vᵀ with v₀ = 1, that takes a vector x to (β, 0, …, 0). */
export interface Reflector {
  readonly v: Float64Array;
  /** 0 where x is there already: H = I. */
  readonly tau: number;
  readonly beta: number;
}

/**
 * That of the `size` numbers x which stand in `numbers` from `start` on, `stride` apart. They are scaled first, so that no
 * square is out of range. `v`: where the vector comes, in its first `size` numbers.
 *
 * Source: Golub and Van Loan, Matrix Computations, 5.1.
 */
export function reflector(
  numbers: Float64Array,
  start: number,
  size: number,
  stride = 1,
  v = new Float64Array(size),
): Reflector {
  let rest = 0;
  for (let i = 0; i < size; i++) {
    v[i] = numbers[start + i * stride]!;
    if (i > 0) rest = Math.max(rest, Math.abs(v[i]!));
  }
  const first = v[0]!;
  v[0] = 1;
  if (rest === 0) return { v, tau: 0, beta: first };
  const scale = Math.max(rest, Math.abs(first));
  let square = (first / scale) ** 2;
  for (let i = 1; i < size; i++) square += (v[i]! / scale) ** 2;
  const length = first >= 0 ? -Math.sqrt(square) : Math.sqrt(square);
  const pivot = first / scale - length;
  for (let i = 1; i < size; i++) v[i]! /= scale * pivot;
  return { v, tau: -pivot / length, beta: scale * length };
}
