import { choice, integer } from '@fewstep/schedules';
import { octaves } from '../table/bands.js';
import { compile } from '../table/compile.js';
import type { SamplerTable } from '../table/sampler-table.js';
import { generator, type TableFamily } from './generator.js';

/** Steps of differences: of an entry as a part of the noise level there, of the logarithm of a noise level. */
export const ENTRY_STEP = 5e-3;
export const SIGMA_STEP = 1e-2;
/** In the last row, which the sample is linear in. */
export const LAST_STEP = 1e-3;

/** All of a table, every entry and noise level, from a compiled method; rows may have an entry for each band of frequency. */
export const tableGenerator = generator({
  name: 'table',
  description: 'every entry of the table and every noise level',
  options: {
    bands: integer(
      1,
      8,
      4,
      'Bands of spatial frequency, octaves, that have entries of their own in the rows that by_band says.',
    ),
    by_band: choice(
      ['last', 'all'],
      'last',
      'Which rows have an entry for each band: that of the sample, whose entries cost no evaluation to train, or all.',
    ),
  },
  make({ bands: count, by_band: which }, { shape, ...start }): TableFamily {
    const from = compile(start);
    const last = from.sigmas.length;
    const bands = count > 1 ? { shape, edges: octaves(count) } : undefined;
    const isByBand = (k: number) => bands !== undefined && (which === 'all' || k === last);
    const rows = from.rows.map((row, k) =>
      isByBand(k) ? row.flatMap((weight) => Array<number>(count).fill(weight)) : row,
    );
    return entriesOf({ ...from, rows, ...(bands && { bands }) });
  },
});

/** A number of a table: of a row, or the noise level that the network is told there. */
export interface Entry {
  readonly of: 'row' | 'sigma';
  /** From 0; the last is that of the sample. */
  readonly row: number;
}

/** The tables that differ from one in numbers that are free: by default in all. Of a noise level the logarithm moves. */
export function entriesOf(
  { sigmas, rows, bands }: SamplerTable,
  isFree: (entry: Entry) => boolean = () => true,
): TableFamily {
  const last = sigmas.length;
  const parameters = rows.flatMap((row, k) => [
    ...(isFree({ of: 'row', row: k })
      ? row.map((entry, at) => ({
          name: `row ${k} entry ${at}`,
          start: entry,
          step: k === last ? LAST_STEP : ENTRY_STEP * sigmas[k]!,
        }))
      : []),
    ...(k < last && isFree({ of: 'sigma', row: k })
      ? [{ name: `log sigma ${k}`, start: Math.log(sigmas[k]!), step: SIGMA_STEP }]
      : []),
  ]);
  return {
    parameters,
    table(values) {
      let at = 0;
      const told = [...sigmas];
      const made = rows.map((row, k) => {
        const entries = isFree({ of: 'row', row: k }) ? row.map(() => values[at++]!) : row;
        if (k < last && isFree({ of: 'sigma', row: k })) told[k] = Math.exp(values[at++]!);
        return entries;
      });
      return { sigmas: told, rows: made, ...(bands && { bands }) };
    },
  };
}
