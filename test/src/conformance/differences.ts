/** Sample by sample, max |a−b| / max |b|; says which sample is off by more than its limit. */
export function differences(
  found: Float64Array,
  expected: Float64Array,
  limits: readonly number[],
): string | undefined {
  if (found.length !== expected.length) return `${found.length} values, expected ${expected.length}`;
  const size = expected.length / limits.length;
  for (const [n, limit] of limits.entries()) {
    let difference = 0;
    let scale = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      const d = Math.abs(found[i]! - expected[i]!);
      if (!(d <= difference)) difference = Number.isNaN(d) ? Infinity : d;
      scale = Math.max(scale, Math.abs(expected[i]!));
    }
    if (!(difference <= limit * scale))
      return `sample ${n} is off by ${(difference / scale).toExponential(2)}, allowed ${limit.toExponential(2)}`;
  }
  return undefined;
}
