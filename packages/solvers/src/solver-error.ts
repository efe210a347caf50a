/**
 * What a solver or a driver can't go on with.
 *
 * - `E_SOLVER`: an option of a method or a generator is out of its range.
 * - `E_SOLVE`: the batch or the noise levels that a solve was given don't fit.
 * - `E_DENOISED`: the denoiser's answer has the wrong length, or lacks the bottleneck that a predictor needs.
 * - `E_NONFINITE`: the denoiser's answer holds NaN or infinity.
 */
export class SolverError extends Error {
  constructor(
    readonly code: 'E_SOLVER' | 'E_SOLVE' | 'E_DENOISED' | 'E_NONFINITE',
    message: string,
    /** What was found, by name. */
    readonly evidence: Readonly<Record<string, unknown>>,
  ) {
    super(message);
    this.name = 'SolverError';
  }
}

export const solverFault = (message: string, evidence: SolverError['evidence']) =>
  new SolverError('E_SOLVER', message, evidence);
