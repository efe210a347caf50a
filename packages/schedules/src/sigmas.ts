import { type Schedule, schedules } from './registry.js';
import { levelsOf, type ScheduleFamily, type Span } from './schedule.js';
import { ScheduleError } from './schedule-error.js';
import { mostRho } from './spacing.js';

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
  const levels = levelsOf(family, span, schedule as never, schedule.table);
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
  if ('rho' in schedule && !(schedule.rho > 0 && schedule.rho <= mostRho))
    throw new ScheduleError(
      `rho of the ${schedule.type} schedule must be a number above 0, up to ${mostRho}`,
      schedule.rho,
      'Usual are 7 for polynomial, 1 for time_uniform and discrete; logsnr is what a large one comes to.',
    );
}
