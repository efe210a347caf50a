/**
 * How far forward differences move the numbers of a table, all as short as single precision allows. Fifty times these, on
 * digits at 5 evaluations, and the slope that a fit sees of its loss is a third of what it is.
 */

/** An entry, as a part of the noise level of its row. */
export const ENTRY_STEP = 1e-4;
/** In the last row, which the sample is linear in: no network rounds it. */
export const LAST_STEP = 1e-3;
/** The logarithm of a noise level. */
export const SIGMA_STEP = 2e-4;
/** A weight beside others whose sum is about 1. */
export const WEIGHT_STEP = 4e-4;

/** The farthest that a number may move that hardly moves a noise level. */
const MOST = 2e-3;

/** The step of a number that moves the logarithm of a noise level, or a scale, with this slope: never one that bends. */
export const stepOf = (slope: number) => Math.min(MOST, SIGMA_STEP / Math.abs(slope));
