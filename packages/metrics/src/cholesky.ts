/**
 * L [rank × n] with Lᵀ L = `matrix` [n × n], symmetric and positive semidefinite, row-major.
 *
 * Cholesky's method with the largest remaining diagonal entry as pivot; it ends where that is below n · ε times the
 * largest of the matrix, so rounding noise of a rank-deficient matrix does not come in. n²·rank/2 multiplications.
 */
export function choleskyRows(matrix: Float64Array, n: number): { rows: Float64Array; rank: number } {
  const remaining = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!);
  const threshold = n * Number.EPSILON * Math.max(0, ...remaining);
  const rows = new Float64Array(n * n);
  let rank = 0;
  for (; rank < n; rank++) {
    let pivot = 0;
    for (let i = 1; i < n; i++) if (remaining[i]! > remaining[pivot]!) pivot = i;
    if (!(remaining[pivot]! > threshold)) break;
    const row = rows.subarray(rank * n, (rank + 1) * n);
    row.set(matrix.subarray(pivot * n, (pivot + 1) * n));
    for (let earlier = 0; earlier < rank; earlier++) {
      const factor = rows[earlier * n + pivot]!;
      for (let i = 0; i < n; i++) row[i]! -= factor * rows[earlier * n + i]!;
    }
    const root = Math.sqrt(remaining[pivot]!);
    for (let i = 0; i < n; i++) {
      // A pivot of before has nothing left: what is computed for it is rounding noise.
      row[i] = remaining[i] === -Infinity ? 0 : row[i]! / root;
      remaining[i]! -= row[i]! ** 2;
    }
    row[pivot] = root;
    remaining[pivot] = -Infinity;
  }
  return { rows: rows.subarray(0, rank * n), rank };
}
