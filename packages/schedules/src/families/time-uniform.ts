import { scheduleFamily } from '../schedule.js';
import { between, evenInRoot, exponent } from '../spacing.js';
import { vpThrough } from '../vp.js';

/** Time of the variance-preserving process at which σ_min is reached. */
const EPSILON = 1e-3;

/** t^(1/ρ) evenly spaced in the time of a variance-preserving process whose σ(1) = σ_max and σ(0.001) = σ_min. */
export const timeUniform = scheduleFamily({
  name: 'time_uniform',
  elsewhere: { uniform: 'rho: 1' },
  spacing: 't^(1/ρ) evenly in the time of a variance-preserving process from sigma_max to sigma_min',
  options: { rho: exponent(1) },
  levels(span, { rho }) {
    const { sigmaOfT } = vpThrough(span.sigmaMin, span.sigmaMax, EPSILON);
    return between(span, evenInRoot(1, EPSILON, span.numSteps, rho).map(sigmaOfT));
  },
});
