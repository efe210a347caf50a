import { ays } from './families/ays.js';
import { discrete } from './families/discrete.js';
import { dmn } from './families/dmn.js';
import { explicit } from './families/explicit.js';
import { logsnr } from './families/logsnr.js';
import { polynomial } from './families/polynomial.js';
import { timeUniform } from './families/time-uniform.js';
import type { NoiseTable } from './noise-table.js';
import type { OptionValues } from './options.js';

const families = [polynomial, logsnr, timeUniform, discrete, ays, dmn, explicit] as const;
type Family = (typeof families)[number];

/** Every family, by its name in a spec. */
export const schedules = Object.fromEntries(families.map((family) => [family.name, family])) as unknown as {
  readonly [F in Family as F['name']]: F;
};

/** How the noise levels of a solve are spaced between σ_max and σ_min: a family's name, and what it is told. */
export type Schedule = {
  readonly [F in Family as F['name']]: { readonly type: F['name'] } & OptionValues<F['options']> & {
      /** Of a model that was trained on discrete times. */
      readonly table?: NoiseTable;
    };
}[Family['name']];
