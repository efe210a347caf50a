/** What went wrong, as a stable word: match on this, never on the message. */
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
