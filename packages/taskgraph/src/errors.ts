import { withoutSecrets } from './secrets.js';

/**
 * An error that a person can act on: what is wrong, where, and the remedy, in its message.
 *
 * - `code`: stable, E_…; match on it, never on the text.
 * - `message`: what other code said may be in it, so it is kept without secrets (`withoutSecrets`).
 * - `exitCode`: what a command line ends with: 2 when the input is wrong, 1 when work failed, 130 when it was interrupted.
 *
 * Its codes, beside those that a failed task brings along:
 *
 * - `E_FILE`: a file from outside that isn't there or can't be read. `E_INPUT_CHANGED`: one that changed while it was used.
 * - `E_TASK_CRASHED`, `E_TASK_OUTPUT`, `E_TASK_FAILED`: the computing process ended, left no output, or has a bug.
 * - `E_TASK_INPUT`: an input that another task was to give, and has not.
 * - `E_TASK_LIST`, `E_TASK_VERSIONS`: what is no task of a list, or one for other versions than compute here.
 * - `E_STORE_ACCESS`, `E_STORE_FULL`, `E_STORE_DAMAGED`, `E_STORE_FORMAT`: the store can't be written, is full, loses what
 *   is written, or is of a newer version. `E_STORE_BUSY`: somebody else removes something from it. `E_PIN`: no name for a pin.
 * - `E_SHARDS`: more shards than one run can hold.
 * - `E_INTERRUPTED`: it was told to end.
 */
export class TaskgraphError extends Error {
  override readonly name: string = 'TaskgraphError';
  readonly exitCode: number;
  readonly evidence: Readonly<Record<string, unknown>>;
  constructor(
    readonly code: string,
    message: string,
    {
      exitCode = 1,
      cause,
      evidence = {},
    }: { exitCode?: number; cause?: unknown; evidence?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(withoutSecrets(message), cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.evidence = evidence;
  }
}

/** The `code` of an error of ours, of another package of this kind, or of Node's; undefined for a bug. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
