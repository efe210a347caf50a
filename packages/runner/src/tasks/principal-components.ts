/** Rows in the directions in which they vary most. */
export interface PrincipalComponents {
  /** Of the variance of the rows, the share that each component has, in descending order. */
  readonly explained: readonly number[];
  /** A point of the rows' space by its coordinates along the components, in the rows' units; the rows' mean is the origin. */
  coordinates(point: ArrayLike<number>): number[];
}

/**
 * The first principal components of rows that are fewer than their entries, by the eigenvectors of their inner products.
 *
 * Components have a sign: the row that lies farthest along one lies on its positive side. Where rows vary in fewer
 * directions than are asked for, the others explain nothing, and coordinates along them are 0.
 *
 * @param rows of equal length; at least one
 */
export function principalComponents(rows: readonly ArrayLike<number>[], count: number): PrincipalComponents {
  const size = rows[0]!.length;
  const mean = Float64Array.from(
    { length: size },
    (_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length,
  );
  const centred = rows.map((row) => mean.map((middle, at) => row[at]! - middle));
  const inner = centred.map((a) => centred.map((b) => dot(a, b)));
  const { values, vectors } = symmetricEigen(inner);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const order = values.map((_, i) => i).sort((i, j) => values[j]! - values[i]!);
  const axes = Array.from({ length: count }, (_, at) => {
    const i = order[at];
    const value = i === undefined ? 0 : values[i]!;
    if (i === undefined || !(value > 1e-12 * total)) return { share: 0, along: new Float64Array(size) };
    const weights = vectors.map((row) => row[i]!);
    const farthest = weights.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0);
    const scale = Math.sign(farthest) / Math.sqrt(value);
    const along = new Float64Array(size);
    for (const [k, row] of centred.entries())
      for (let at = 0; at < size; at++) along[at]! += scale * weights[k]! * row[at]!;
    return { share: value / total, along };
  });
  return {
    explained: axes.map(({ share }) => share),
    coordinates: (point) =>
      axes.map(({ along }) => along.reduce((sum, part, at) => sum + part * (point[at]! - mean[at]!), 0)),
  };
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/**
 * Eigenvalues and eigenvectors, as columns, of a small symmetric matrix: cyclic Jacobi rotations until nothing is left beside
 * the diagonal (Golub and Van Loan, section 8.5).
 */
function symmetricEigen(matrix: readonly (readonly number[])[]): {
  readonly values: number[];
  readonly vectors: number[][];
} {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((__, j) => Number(i === j)));
  const norm = Math.hypot(...a.flat());
  const isDiagonal = () =>
    a.every((row, i) => row.every((value, j) => i === j || Math.abs(value) <= 1e-15 * norm));
  for (let sweep = 0; sweep < 60 && !isDiagonal(); sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const off = a[p]![q]!;
        if (off === 0) continue;
        const ratio = (a[q]![q]! - a[p]![p]!) / (2 * off);
        const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio));
        const cosine = 1 / Math.hypot(1, tangent);
        const sine = tangent * cosine;
        const turn = (x: number, y: number) => [cosine * x - sine * y, sine * x + cosine * y] as const;
        for (const rows of [a, vectors]) for (const row of rows) [row[p], row[q]] = turn(row[p]!, row[q]!);
        for (let j = 0; j < n; j++) [a[p]![j], a[q]![j]] = turn(a[p]![j]!, a[q]![j]!);
      }
  return { values: a.map((row, i) => row[i]!), vectors };
}
