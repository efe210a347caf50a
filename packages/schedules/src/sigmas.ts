import { discrete } from './families/discrete.js';
import { explicit } from './families/explicit.js';
import { logsnr } from './families/logsnr.js';
import { polynomial } from './families/polynomial.js';
import { timeUniform } from './families/time-uniform.js';
import type { NoiseTable } from './noise-table.js';
import type { OptionValues } from './options.js';
import type { ScheduleFamily, Span } from './schedule.js';
import { ScheduleError } from './schedule-error.js';

const families = [polynomial, logsnr, timeUniform, discrete, explicit] as const;
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

/**
 * The noise levels of a solve, [numSteps], strictly descending, all above 0.
 *
 * The first is exactly `sigmaMax` and the last exactly `sigmaMin` (of an explicit list: its own ends), so the schedule
 * of one interval, numSteps 2, is that interval.
 *
 * @example
 * sigmas({ type: 'polynomial', rho: 7 }, { numSteps: 6, sigmaMin: 0.002, sigmaMax: 80 });
 *
 * @throws ScheduleError (E_SCHEDULE) if no such levels exist
 */
export function sigmas(schedule: Schedule, span: Span): Float64Array {
  checkSpan(span);
  checkRho(schedule);
  const family: ScheduleFamily = schedules[schedule.type];
  const levels = family.levels(span, schedule as never, schedule.table);
  for (let i = 0; i < levels.length; i++)
    if (!(levels[i]! > 0 && levels[i]! < Infinity && (i === 0 || levels[i]! < levels[i - 1]!)))
      throw new ScheduleError(
        `the ${family.name} schedule must give finite, strictly descending noise levels above 0`,
        levels.slice(Math.max(0, i - 1), i + 1),
        `Look at entries ${Math.max(0, i - 1)} and ${i}: too many steps, an extreme rho, a range too narrow for time_uniform, or a list out of order.`,
      );
  return levels;
}

function checkSpan({ numSteps, sigmaMin, sigmaMax }: Span): void {
  if (!(Number.isInteger(numSteps) && numSteps >= 2))
    throw new ScheduleError(
      'num_steps must be an integer of at least 2: it counts timestamps, one more than intervals',
      numSteps,
      'Take 2 for a single interval.',
    );
  if (!(0 < sigmaMin && sigmaMin < sigmaMax && sigmaMax < Infinity))
    throw new ScheduleError(
      'a schedule needs 0 < sigma_min < sigma_max < ∞',
      [sigmaMin, sigmaMax],
      'Take the range that the model was trained on, such as 0.002 and 80.',
    );
}

function checkRho(schedule: Schedule): void {
  if ('rho' in schedule && !(schedule.rho > 0 && schedule.rho < Infinity))
    throw new ScheduleError(
      `rho of the ${schedule.type} schedule must be a number above 0`,
      schedule.rho,
      'Usual are 7 for polynomial, 1 for time_uniform and discrete.',
    );
}
