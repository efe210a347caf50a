import { scheduleFamily } from '../schedule.js';
import { between, evenInRoot, exponent } from '../spacing.js';

/** σ^(1/ρ) evenly spaced. Source: EDM, Karras et al., arXiv:2206.00364, eq. 5; ρ = 7 there. */
export const polynomial = scheduleFamily({
  name: 'polynomial',
  elsewhere: { karras: 'rho: 7', edm: 'rho: 7' },
  spacing: 'σ^(1/ρ) evenly',
  options: { rho: exponent(7) },
  levels: (span, { rho }) => between(span, evenInRoot(span.sigmaMax, span.sigmaMin, span.numSteps, rho)),
});
