import { checkpointFault } from '../errors.js';
import { alphasCumprod, type BetaSchedule } from '../networks/noise-levels.js';

/** A precision that numbers may have been rounded to. */
interface Precision {
  readonly name: string;
  /** Bits of a significand, the first of them included. */
  readonly bits: number;
  /** Exponent of the smallest number that has all of them. */
  readonly least: number;
}

/** The rougher one first: its numbers are of the other precision, too. */
const halves: readonly Precision[] = [
  { name: 'bfloat16', bits: 8, least: -126 },
  { name: 'float16', bits: 11, least: -14 },
];

/** Distance of neighbours at `value`. */
const spacing = (value: number, { bits, least }: Precision): number =>
  2 ** (Math.max(Math.floor(Math.log2(value)), least) - bits + 1);

/**
 * The half precision that positive numbers are in, also where they were widened again; undefined for what is more exact.
 * Powers of two are exact in any.
 */
export function halfPrecisionOf(values: readonly number[]): Precision | undefined {
  if (values.every((value) => Number.isInteger(Math.log2(value)))) return undefined;
  return halves.find((one) => values.every((value) => value % spacing(value, one) === 0));
}

/** Whether `found` is `value` when rounded to that precision; `off`: the part of it by which it may differ before. */
export const isRounded = (found: number, value: number, to: Precision, off = 1e-5): boolean =>
  Math.abs(found - value) <= spacing(value, to) / 2 + off * value;

/** Float32 that is computed in two ways differs by less, as a part of it. */
const SAME = 1e-4;

/**
 * ᾱ of a latent diffusion model's training, in float32 as its file has it.
 *
 * - A table of half precision is never taken: `betas` are computed anew, and must come to the same in that precision.
 * - One that is more exact is what the file says, and what is told must come to it.
 *
 * @param found the file's own table
 * @param betas what is known beside it, and whether its reader told that
 * @throws ModelError `E_CHECKPOINT` where there is neither, or they contradict
 */
export function noiseTable(
  found: readonly number[] | undefined,
  betas: BetaSchedule | undefined,
  told: boolean,
): readonly number[] {
  const computed = betas && alphasCumprod(betas).map(Math.fround);
  const half = found && halfPrecisionOf(found);
  if (found && !half) {
    if (told && computed)
      agree(found, computed, (one, value) => Math.abs(one - value) <= SAME * value, 'are not those');
    return found;
  }
  if (!computed)
    throw checkpointFault(
      `${half ? `its alphas_cumprod are of ${half.name}, too rough to sample by` : 'it has no alphas_cumprod'}, so its noise levels must be given: linear_start and linear_end of its configuration`,
      { missing: ['alphas_cumprod'], keys: ['linear_start', 'linear_end'] },
    );
  if (found && half)
    agree(
      found,
      computed,
      (one, value) => isRounded(one, value, half),
      `are of ${half.name}, too rough to sample by, and not those`,
    );
  return computed;
}

function agree(
  found: readonly number[],
  computed: readonly number[],
  same: (found: number, computed: number) => boolean,
  what: string,
): void {
  const wrong = computed.findIndex((value, k) => !same(found[k] ?? Number.NaN, value));
  if (wrong < 0 && found.length === computed.length) return;
  const index = wrong < 0 ? computed.length : wrong;
  throw checkpointFault(
    `its alphas_cumprod ${what} of linear_start and linear_end: number ${index} is ${found[index] ?? 'missing'}, and they come to ${computed[index] ?? 'none'}; give those of its training`,
    { index, found: found[index], expected: computed[index], keys: ['linear_start', 'linear_end'] },
  );
}
