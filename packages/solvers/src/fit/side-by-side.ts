import type { Vector } from '../solver.js';
import { type Known, known, rowOf } from '../table/rows.js';
import type { SamplerTable } from '../table/sampler-table.js';
import { answers, type Block, type BlockDenoise } from './block.js';

/** Samples of several tables from the same noise. */
interface SideBySide {
  /** Of each table, [n × size]. */
  readonly samples: readonly Vector[];
  /** Samples that the network was asked for, once each. */
  readonly calls: number;
}

/**
 * Samples of tables of one size, those by band of one shape, on a block: stage by stage, all that wait for an evaluation in
 * one request.
 *
 * What two tables ask alike is asked once, for the first of them: a table that differs from the first in row k alone costs
 * E − k calls a sample, and none in the last row.
 */
export async function sideBySide(
  tables: readonly SamplerTable[],
  { noise, n }: Pick<Block, 'noise' | 'n'>,
  denoise: BlockDenoise,
): Promise<SideBySide> {
  const [first] = tables;
  const evaluations = first!.sigmas.length;
  // the noise and the answers; of a table that has an answer in common with the first, the very same
  const shared = known(noise);
  const all: Known[][] = tables.map(() => [shared]);
  let calls = 0;
  for (let k = 0; k < evaluations; k++) {
    const asking = tables.flatMap((table, t) =>
      t > 0 && isAlike(table, first!, k, all[t]!, all[0]!) ? [] : [t],
    );
    const asked = asking.map((t) => ({
      x: rowOf(tables[t]!.rows[k]!, all[t]!, tables[t]!.bands),
      sigma: tables[t]!.sigmas[k]!,
    }));
    // what has left the numbers is asked nothing, and stays there
    const sound = asked.filter(({ x }) => x.every(Number.isFinite));
    const found = await answers(sound, n, denoise);
    for (const [i, t] of asking.entries()) {
      const place = sound.indexOf(asked[i]!);
      all[t]!.push(known(place < 0 ? noise.map(() => Number.NaN) : found[place]!));
    }
    for (const one of all) if (one.length === k + 1) one.push(all[0]![k + 1]!);
    calls += n * sound.length;
  }
  return { samples: tables.map(({ rows, bands }, t) => rowOf(rows[evaluations]!, all[t]!, bands)), calls };
}

/** Whether two tables say the same at row k: what the network is shown, of whatever answers, and told. */
export const isSameRow = (a: SamplerTable, b: SamplerTable, k: number): boolean => {
  const [row, other] = [a.rows[k]!, b.rows[k]!];
  return (
    a.sigmas[k] === b.sigmas[k] &&
    row.length === other.length &&
    row.every((weight, i) => weight === other[i])
  );
};

/** Whether two tables ask the same at row k: of the same answers, where they read any. */
function isAlike(
  a: SamplerTable,
  b: SamplerTable,
  k: number,
  ofA: readonly Known[],
  ofB: readonly Known[],
): boolean {
  if (!isSameRow(a, b, k)) return false;
  const row = a.rows[k]!;
  const each = row.length / (k + 1);
  return row.every((weight, i) => {
    const at = Math.floor(i / each);
    return weight === 0 || ofA[at] === ofB[at];
  });
}
