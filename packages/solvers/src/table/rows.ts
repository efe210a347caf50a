import { combine } from '../math/vector.js';
import type { Vector } from '../solver.js';
import { type Bands, bandsOf, fromSpectrum, spectrumOf } from './bands.js';

/** The noise, or an answer: a batch that rows are made of. */
export interface Known {
  readonly whole: Vector;
  /** Its frequencies, made where a row asks for them. */
  spectrum(bands: Bands): Vector;
}

/** What rows of a table, or of several of the same bands, are made of. */
export function known(whole: Vector): Known {
  let spectrum: Vector | undefined;
  return { whole, spectrum: (bands) => (spectrum ??= spectrumOf(whole, bands)) };
}

/** A row's sum; `bands`: of its table. */
export function rowOf(row: readonly number[], all: readonly Known[], bands?: Bands): Vector {
  if (!bands || row.length === all.length)
    return combine(...row.map((weight, i) => [weight, all[i]!.whole] as const));
  const band = bandsOf(bands);
  const each = row.length / all.length;
  const sum = new Float64Array(all[0]!.whole.length);
  for (const [j, one] of all.entries()) {
    const weights = Float64Array.from(band, (b) => row[j * each + b]!);
    const spectrum = one.spectrum(bands);
    for (let at = 0; at < sum.length; at += weights.length)
      for (let i = 0; i < weights.length; i++) sum[at + i]! += weights[i]! * spectrum[at + i]!;
  }
  return fromSpectrum(sum, bands);
}
