import { levels } from '../options.js';
import { type Span, scheduleFamily } from '../schedule.js';
import { ScheduleError } from '../schedule-error.js';
import { divided } from '../spacing.js';

/**
 * A given list of n noise levels within [sigmaMin, sigmaMax].
 *
 * With numSteps = k·(n − 1) + 1, as a teacher with k steps per interval needs, each interval is divided.
 */
function listed(list: ArrayLike<number>, { numSteps, sigmaMin, sigmaMax }: Span): Float64Array {
  const intervals = list.length - 1;
  const parts = (numSteps - 1) / intervals;
  if (!(intervals >= 1 && Number.isInteger(parts)))
    throw new ScheduleError(
      `num_steps of an explicit schedule of ${list.length} noise levels must be ${list.length}, or k·(${list.length} − 1) + 1 for k steps per interval`,
      numSteps,
      'Give as many noise levels as num_steps says.',
    );
  if (!(list[0]! <= sigmaMax && list[intervals]! >= sigmaMin))
    throw new ScheduleError(
      `an explicit schedule must stay within ${sigmaMin}…${sigmaMax}, the range of the model`,
      list,
      'List the noise levels from the largest to the smallest.',
    );
  return divided(list, parts);
}

/** A given list. */
export const explicit = scheduleFamily({
  name: 'explicit',
  elsewhere: { sigmas: '', custom: '' },
  spacing: 'as they are listed',
  options: {
    sigmas: levels(
      'The noise levels themselves, data units, descending, as many as num_steps. A teacher’s times between two of them are even in log σ.',
    ),
  },
  levels: (span, { sigmas }) => listed(sigmas, span),
});
