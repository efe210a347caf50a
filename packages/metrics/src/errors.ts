/**
 * What went wrong, as a stable word: match on this, never on the message.
 *
 * - `E_IMAGES`: image files, batches or seeds that can't be read or written, or don't fit each other.
 * - `E_NETWORK`: a feature network that can't be opened or fails.
 * - `E_FEATURES`: feature vectors that are too few, don't fit each other or aren't finite.
 * - `E_STATISTICS`: a mean and covariance that are none, or of other sizes.
 * - `E_NPZ`: bytes that are no .npz file of numbers.
 */
export type MetricsErrorCode = 'E_IMAGES' | 'E_NETWORK' | 'E_FEATURES' | 'E_STATISTICS' | 'E_NPZ';

/** An error of this package. `evidence` holds the values that the message speaks of. */
export class MetricsError extends Error {
  override readonly name = 'MetricsError';

  constructor(
    readonly code: MetricsErrorCode,
    message: string,
    readonly evidence: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const fault =
  (code: MetricsErrorCode) =>
  (message: string, evidence: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) =>
    new MetricsError(code, message, evidence, options);

export const featureFault = fault('E_FEATURES');
export const imageFault = fault('E_IMAGES');
export const npzFault = fault('E_NPZ');
export const statisticsFault = fault('E_STATISTICS');
