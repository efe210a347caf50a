import type { CurvesData } from './report-data.js';

/** Entries of a curve that a page shows: more can't be seen. */
const most = 400;

/** A training of many entries as means of neighbours; of a mean `x` is that of the last of them. */
export function thinned(curves: CurvesData): CurvesData {
  const { x, loss, validation, outputs } = curves;
  const size = Math.ceil(x.length / most);
  if (size < 2) return curves;
  const bins = <T>(values: readonly T[]) =>
    Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size));
  const means = (values: readonly (number | null)[]) =>
    bins(values).map((bin) => {
      const known = bin.filter((value) => value !== null);
      return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
    });
  return {
    ...curves,
    x: bins(x).map((bin) => bin.at(-1)!),
    loss: means(loss),
    ...(validation && { validation: means(validation) }),
    outputs: outputs.map((one) => ({ ...one, values: means(one.values) })),
  };
}
