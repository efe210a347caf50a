import { number } from '../options.js';
import { scheduleFamily } from '../schedule.js';
import { between, evenInRoot } from '../spacing.js';

/** σ^(1/ρ) evenly spaced. Source: EDM, Karras et al., arXiv:2206.00364, eq. 5; ρ = 7 there. */
export const polynomial = scheduleFamily({
  name: 'polynomial',
  spacing: 'σ^(1/ρ) evenly',
  options: { rho: number({ exclusiveMinimum: 0 }, 7, 'Exponent.') },
  levels: (span, { rho }) => between(span, evenInRoot(span.sigmaMax, span.sigmaMin, span.numSteps, rho)),
});
