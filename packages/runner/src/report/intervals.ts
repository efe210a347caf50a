/**
 * Standard errors, and the intervals that they make. A column `X_se` is the standard error of the column `X`: how much that
 * would vary over other images.
 */

const suffix = '_se';

/** The column that a column is the standard error of, where it is one. */
export const columnOfError = (column: string): string | undefined =>
  column.endsWith(suffix) && column.length > suffix.length ? column.slice(0, -suffix.length) : undefined;

export const errorOf = (column: string): string => `${column}${suffix}`;

/** Figures by column. */
export type Columns = Readonly<Record<string, number>>;

/**
 * Of each column its mean over repeats that know nothing of each other, and the standard error of that from their spread:
 * √(Σ(x − x̄)² / (R·(R − 1))). Standard errors of the repeats themselves have no part in it.
 */
export function overRepeats(repeats: readonly Columns[]): Columns {
  const [first = {}] = repeats;
  const count = repeats.length;
  const columns = Object.keys(first).filter((column) => {
    const of = columnOfError(column);
    return of === undefined || first[of] === undefined;
  });
  return Object.fromEntries(
    columns.flatMap((column) => {
      const values = repeats.map((one) => one[column]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const error = Math.sqrt(squares / (count * (count - 1)));
      return [
        [column, mean] as const,
        ...(Number.isFinite(error) ? [[errorOf(column), error] as const] : []),
      ];
    }),
  );
}

/** 0.975 quantile of the normal distribution. */
const normal = 1.959964;
/** The same of Student's t with 1, 2, … degrees of freedom. */
const student = [12.7062, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157];

/**
 * Half the width of a 95 % interval, in standard errors: 1.96, and more where the error is of few repeats (Student's t;
 * from 10 on by its expansion in 1/degrees, Abramowitz and Stegun 26.7.5).
 */
export function halfWidths(repeats = 1): number {
  if (repeats < 2) return normal;
  const degrees = repeats - 1;
  const z = normal;
  return (
    student[degrees - 1] ??
    z +
      (z ** 3 + z) / (4 * degrees) +
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}
