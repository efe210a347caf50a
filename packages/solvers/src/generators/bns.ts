import { combine } from '../math/vector.js';
import { compile } from '../table/compile.js';
import { generator, type Parameter, type TableFamily } from './generator.js';
import { ENTRY_STEP, LAST_STEP, SIGMA_STEP } from './table.js';

/**
 * A Bespoke Non-Stationary solver: x_k = a_k z + Σ_(j<k) b_kj u_j over all slopes u_j = (x_j − D_j)/σ_j until then, every
 * coefficient free, and every noise level but the first.
 *
 * - Parameters, N evaluations: N(N + 5)/2 − 1. It begins at the start's table, which any method has in this form.
 * - The span of `table` less what the first evaluation is shown and told, in other coordinates: a noise level that moves
 *   takes the weight of its answer along.
 * - Source: Shaul et al., arXiv:2403.01329. There the noise levels are in order by construction; here each is its own
 *   logarithm, for those of a start of several evaluations an interval aren't.
 */
export const bnsGenerator = generator({
  name: 'bns',
  description:
    'the weights of the noise and of every slope, and the noise levels, of all but the first evaluation',
  options: {},
  make(_, start): TableFamily {
    const from = compile(start);
    const [first, ...later] = from.rows;
    const evaluations = from.sigmas.length;
    const parameters = later.flatMap((row, i): Parameter[] => {
      const k = i + 1;
      const told = from.sigmas[k];
      const step = told === undefined ? LAST_STEP : ENTRY_STEP * told;
      const [noise, ...slopes] = ofSlopes(row, from.rows, from.sigmas);
      return [
        { name: `a ${k}`, start: noise!, step },
        ...slopes.map((weight, j) => ({ name: `b ${k},${j}`, start: weight, step })),
        ...(told === undefined ? [] : [{ name: `log sigma ${k}`, start: Math.log(told), step: SIGMA_STEP }]),
      ];
    });
    return {
      parameters,
      table(values) {
        let at = 0;
        const sigmas = from.sigmas.slice(0, 1);
        const rows = [first!];
        for (let k = 1; k <= evaluations; k++) {
          const weights = rows[0]!.concat(from.sigmas.slice(0, k)).map(() => values[at++]!);
          rows.push(ofAnswers(weights, rows, sigmas));
          if (k < evaluations) sigmas.push(Math.exp(values[at++]!));
        }
        return { sigmas, rows };
      },
    };
  },
});

/** A row of the noise and the answers, of its weights of the noise and the slopes. */
function ofAnswers(
  weights: readonly number[],
  rows: readonly (readonly number[])[],
  sigmas: readonly number[],
): number[] {
  const size = weights.length;
  const padded = (row: readonly number[], scale: number) =>
    Float64Array.from({ length: size }, (_, i) => scale * (row[i] ?? 0));
  const slope = (j: number) => {
    const [x, answer] = [padded(rows[j]!, 1 / sigmas[j]!), new Float64Array(size)];
    answer[j + 1] = 1;
    return combine([1, x], [-1 / sigmas[j]!, answer]);
  };
  const [noise, ...slopes] = weights;
  return [...combine([noise!, padded([1], 1)], ...slopes.map((weight, j) => [weight, slope(j)] as const))];
}

/** The other way: from the newest answer, which its own slope alone holds, to the oldest. */
function ofSlopes(
  row: readonly number[],
  rows: readonly (readonly number[])[],
  sigmas: readonly number[],
): number[] {
  const left = [...row];
  for (let j = row.length - 2; j >= 0; j--) {
    const weight = -left[j + 1]! * sigmas[j]!;
    for (const [i, entry] of rows[j]!.entries()) left[i]! -= (weight * entry) / sigmas[j]!;
    left[j + 1] = weight;
  }
  return left;
}
