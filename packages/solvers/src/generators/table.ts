import { choice, integer } from '@fewstep/schedules';
import { compile } from '../table/compile.js';
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
    const parameters = rows.flatMap((row, k) => [
      ...row.map((entry, at) => ({
        name: `row ${k} entry ${at}`,
        start: entry,
        step: k === last ? LAST_STEP : ENTRY_STEP * from.sigmas[k]!,
      })),
      // of a noise level its logarithm
      ...(k < last ? [{ name: `log sigma ${k}`, start: Math.log(from.sigmas[k]!), step: SIGMA_STEP }] : []),
    ]);
    return {
      parameters,
      table(values) {
        let at = 0;
        const sigmas: number[] = [];
        const made = rows.map((row, k) => {
          const entries = row.map(() => values[at++]!);
          if (k < last) sigmas.push(Math.exp(values[at++]!));
          return entries;
        });
        return { sigmas, rows: made, ...(bands && { bands }) };
      },
    };
  },
});

/** Edges of octaves: 0.1, 0.2 and 0.4 of four bands. */
const octaves = (count: number): number[] =>
  Array.from({ length: count - 1 }, (_, i) => 0.4 * 2 ** (i + 2 - count));
