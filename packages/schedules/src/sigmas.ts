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
  const family = familyOf(schedule);
  checkSpan(span);
  checkRho(schedule);
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

/**
 * The family of a schedule, which plain JavaScript may have written: one that there is, with options of its own.
 *
 * @throws ScheduleError (E_SCHEDULE) that names what is none
 */
function familyOf(schedule: Schedule): ScheduleFamily {
  const type: unknown = (schedule as Partial<Schedule> | undefined)?.type;
  if (typeof type !== 'string' || !Object.hasOwn(schedules, type))
    throw new ScheduleError(
      `the type of a schedule is one of ${Object.keys(schedules).join(', ')}`,
      type ?? schedule,
      "As { type: 'polynomial', rho: 7 }, which is what others call Karras's.",
    );
  const family: ScheduleFamily = schedules[type as Schedule['type']];
  const known = [...Object.keys(family.options), 'type', 'table'];
  const unknown = Object.keys(schedule).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ScheduleError(
      `the ${type} schedule takes ${Object.keys(family.options).join(', ') || 'no option'}`,
      unknown,
      'Remove it, or look at its spelling.',
    );
  for (const [name, option] of Object.entries(family.options)) {
    const value: unknown = (schedule as unknown as Readonly<Record<string, unknown>>)[name];
    const isOne =
      'enum' in option
        ? option.enum.includes(value as string)
        : option.type === 'array'
          ? typeof value === 'object' && value !== null && 'length' in value
          : typeof value === (option.type === 'boolean' ? 'boolean' : 'number');
    if (!isOne)
      throw new ScheduleError(
        `${name} of the ${type} schedule must be ${'enum' in option ? `one of ${option.enum.join(', ')}` : option.type === 'array' ? 'a list of numbers' : `a ${option.type}`}`,
        typeof value === 'string' ? JSON.stringify(value) : value,
        name === 'rho' ? usualRho : option.description,
      );
  }
  return family;
}

function checkSpan(given: Span): void {
  const { numSteps, sigmaMin, sigmaMax } = given ?? {};
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

const usualRho =
  'Usual are 7 for polynomial, 1 for time_uniform and discrete; logsnr is what a large one comes to.';

function checkRho(schedule: Schedule): void {
  if ('rho' in schedule && !(schedule.rho > 0 && schedule.rho <= mostRho))
    throw new ScheduleError(
      `rho of the ${schedule.type} schedule must be a number above 0, up to ${mostRho}`,
      schedule.rho,
      usualRho,
    );
}
