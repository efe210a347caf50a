import { scheduleFamily } from '../schedule.js';
import { between, evenInLog } from '../spacing.js';

/** log σ evenly spaced. Source: DPM-Solver, Lu et al., arXiv:2206.00927. */
export const logsnr = scheduleFamily({
  name: 'logsnr',
  elsewhere: { exponential: '', log_snr: '', lambda: '' },
  spacing: 'log σ evenly',
  options: {},
  levels: (span) => between(span, evenInLog(span.sigmaMax, span.sigmaMin, span.numSteps)),
});
