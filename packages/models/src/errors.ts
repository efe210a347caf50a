/** What went wrong, as a stable word: match on this, never on the message. */
export type ModelErrorCode = 'E_SAFETENSORS' | 'E_PICKLE' | 'E_ZIP' | 'E_CHECKPOINT' | 'E_ENGINE';

/** An error of this package. `evidence` holds the values that the message speaks of. */
export class ModelError extends Error {
  override readonly name = 'ModelError';

  constructor(
    readonly code: ModelErrorCode,
    message: string,
    readonly evidence: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
