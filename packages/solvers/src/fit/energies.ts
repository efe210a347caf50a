import { bandNorms } from '../table/bands.js';
import type { SamplerTable } from '../table/sampler-table.js';
import { type Block, type BlockDenoise, seen, type View } from './block.js';
import { sideBySide } from './side-by-side.js';

/** How much there is in each band of a table's last row, of the whole where it has none; sums over samples. */
export interface Energies {
  /** Σ x² of what is seen of the samples. */
  readonly samples: readonly number[];
  /** The same of the goals. */
  readonly goals: readonly number[];
  /** Samples that the network was asked for. */
  readonly calls: number;
}

/** Energies of a table's samples on a block and of its goals. `shape`: [channels, height, width] of a sample. */
export async function energiesOf(
  table: SamplerTable,
  { noise, goal, n }: Block,
  denoise: BlockDenoise,
  view: View,
  shape: readonly [number, number, number],
): Promise<Energies> {
  const { samples, calls } = await sideBySide([table], { noise, n }, denoise);
  const [found] = await seen(view, samples, n);
  const isByBand = table.bands && table.rows.at(-1)!.length > table.sigmas.length + 1;
  const bands = isByBand ? table.bands! : { shape, edges: [] };
  const count = bands.edges.length + 1;
  const energies = (values: Float64Array) => {
    const sums = new Array<number>(count).fill(0);
    for (const [i, norm] of bandNorms(values, bands).entries()) sums[i % count]! += norm ** 2;
    return sums;
  };
  return { samples: energies(found!), goals: energies(goal), calls };
}

/**
 * A table whose samples have the energy of their goals, band by band of its last row: a fit of least squares leaves them with
 * less, for it answers what it can't foresee with the mean of it.
 */
export function matched(table: SamplerTable, blocks: readonly Energies[]): SamplerTable {
  const sum = (band: number, of: 'samples' | 'goals') => blocks.reduce((all, one) => all + one[of][band]!, 0);
  const gains = blocks[0]!.samples.map((_, band) => {
    const gain = Math.sqrt(sum(band, 'goals') / sum(band, 'samples'));
    return Number.isFinite(gain) ? gain : 1;
  });
  const last = table.rows.length - 1;
  return {
    ...table,
    rows: table.rows.map((row, k) =>
      k === last ? row.map((entry, i) => entry * gains[i % gains.length]!) : row,
    ),
  };
}
