/**
 * What went wrong, as a stable word: match on this, never on the message.
 *
 * - `E_PICKLE`, `E_ZIP`, `E_SAFETENSORS`, `E_ONNX`: bytes that are no such file, or one that is cut short, hostile or not supported.
 * - `E_CHECKPOINT`: a file that can't be opened, or holds no network that is known, or other weights than it needs.
 * - `E_TOKENIZER`: a vocabulary that can't be read, or is none.
 * - `E_ENGINE`: a graph that can't be opened, a request that doesn't fit it, or an evaluation that failed.
 * - `E_NONFINITE`: an image that holds NaN.
 */
export type ModelErrorCode =
  | 'E_SAFETENSORS'
  | 'E_PICKLE'
  | 'E_ZIP'
  | 'E_ONNX'
  | 'E_CHECKPOINT'
  | 'E_ENGINE'
  | 'E_NONFINITE'
  | 'E_TOKENIZER';

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

/** What `work` makes of the file at `path`, at once or later. Its errors say the path first, others stay as they are. */
export function withPath<T>(path: string, work: () => T): T {
  const fail = (cause: unknown): never => {
    if (!(cause instanceof ModelError) || cause.evidence.path !== undefined) throw cause;
    throw new ModelError(cause.code, `${path}: ${cause.message}`, { ...cause.evidence, path }, { cause });
  };
  try {
    const made = work();
    return made instanceof Promise ? (made.catch(fail) as T) : made;
  } catch (cause) {
    return fail(cause);
  }
}

const fault =
  (code: ModelErrorCode) =>
  (message: string, evidence: Readonly<Record<string, unknown>> = {}, cause?: unknown) =>
    new ModelError(code, message, evidence, { cause });

/** The error of an engine: a ModelError `E_ENGINE`. */
export const engineFault = fault('E_ENGINE');
export const onnxFault = fault('E_ONNX');
export const checkpointFault = fault('E_CHECKPOINT');
