/**
 * An error that a person can act on: what is wrong, where, and the remedy, in its message.
 *
 * - `code`: stable, E_…; match on it, never on the text.
 * - `exitCode`: 2 when the input is wrong, 1 when work failed, 130 when it was interrupted.
 */
export class RunnerError extends Error {
  override readonly name = 'RunnerError';
  readonly exitCode: number;
  constructor(
    readonly code: string,
    message: string,
    {
      exitCode = 2,
      cause,
      evidence = {},
    }: { exitCode?: number; cause?: unknown; evidence?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.evidence = evidence;
  }
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** The `code` of an error of ours, of a package of ours, or of Node's; undefined for a bug. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
