import { scheduleFamily } from '../schedule.js';
import { ScheduleError } from '../schedule-error.js';
import { between, evenInRoot, exponent } from '../spacing.js';

/** t^(1/ρ) evenly spaced in the time of a model that was trained on a table of noise levels. */
export const discrete = scheduleFamily({
  name: 'discrete',
  elsewhere: { simple: '' },
  spacing: 't^(1/ρ) evenly in the times of the noise table that latent diffusion was trained on',
  options: { rho: exponent(1) },
  inTimes: true,
  levels(span, { rho }, table) {
    if (!table)
      throw new ScheduleError(
        'the discrete schedule is in the times of a noise table',
        undefined,
        'Give one.',
      );
    const { tOfSigma, sigmaOfT } = table;
    const times = evenInRoot(tOfSigma(span.sigmaMax), tOfSigma(span.sigmaMin), span.numSteps, rho);
    return between(span, times.map(sigmaOfT));
  },
});
