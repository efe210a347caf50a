import { codeOf, TaskgraphError } from '@fewstep/taskgraph/errors';

export { codeOf };

/**
 * An error that a person can act on: what is wrong, where, and the remedy, in its message.
 *
 * - `code`: stable, E_…; match on it, never on the text.
 * - `exitCode`: 2 when the input is wrong, 1 when work failed, 130 when it was interrupted.
 *
 * Its own codes, beside those that a failed task brings from another package:
 *
 * - `E_SPEC`: a spec or `fewstep.config.yaml`, every problem with its place. `E_SEEDS`: a list of seeds.
 * - `E_PREDICTOR`: a predictor that isn't found, or is one of several; the file of one that can't be sampled with, every problem
 *   of its settings.
 * - `E_SAMPLER`: a file of a sampler as a table that isn't one, every problem with its place; or one that was made for another
 *   model than it is to sample.
 * - `E_CLASSES`: classes that the network has not. `E_MODEL`: guidance or a schedule that the model has not, or lacks.
 * - `E_CONDITIONS`: an image whose prompt isn't among those encoded. `E_BOTTLENECK`: a network that gives none, though it
 *   says so.
 * - `E_STATISTICS`: reference statistics of another feature network. `E_FEATURES`: a file that holds no feature
 *   vectors; a network whose features nothing can be fitted to.
 * - `E_IMAGES`: fewer images than are to be drawn of them, or than a covariance is of; one whose name tells no seed, or
 *   another's.
 * - `E_FILE`: a file that isn't there or can't be read. `E_INPUT_CHANGED`: one that changed while it was used.
 * - `E_TASK`: tasks failed; the message gives each reason, with its own code.
 * - `E_TASK_CRASHED`, `E_TASK_OUTPUT`, `E_TASK_FAILED`: the computing process ended, left no output, or has a bug.
 * - `E_NONFINITE`: a result that isn't a finite number.
 * - `E_STORE_ACCESS`, `E_STORE_FULL`, `E_STORE_DAMAGED`: the store can't be written, is full, or is damaged. `E_STORE_MISS`: it
 *   has nothing of what is asked after. `E_PIN`: no such pin, or no name for one.
 * - `E_RESULTS`: results or models can't be written; or there are none where some are named. `E_SERVE`: a port that can't be had.
 * - `E_MODELS`: a name that the registry doesn't have. `E_DOWNLOAD`: a file that didn't come. `E_CHECKSUM`: one whose
 *   bytes are not those expected. `E_BUSY`: another process is writing it.
 * - `E_MODULE`: a file of the user's own that declares a method or a schedule, and what is wrong with it.
 * - `E_PLUGIN`: a plugin that isn't installed, or is none. Its own codes come through, as `E_REDIS`. `E_CACHE`: a cache that is
 *   not named, whose key can be guessed, or that doesn't take or give what is to be copied.
 * - `E_TASK_LIST`, `E_TASK_VERSIONS`: a list of tasks that is none, or is for other versions.
 * - `E_INTERRUPTED`: it was told to end. `E_FOLDER`: the working folder is gone. `E_OUTPUT`: standard output can't be written.
 * - `E_LACKS`: what a spec needs, or a command was asked to look for, and this machine has not (`fewstep doctor`).
 * - `E_USAGE`: no command, an option or an argument that a command doesn't have. `E_BUG`: a fault of fewstep's own.
 */
export class RunnerError extends TaskgraphError {
  override readonly name = 'RunnerError';
  constructor(
    code: string,
    message: string,
    options: { exitCode?: number; cause?: unknown; evidence?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(code, message, { exitCode: 2, ...options });
  }
}

/** An error of several sentences, each of which is a line; they are its evidence, too. */
export function errorOfLines(
  code: string,
  lines: readonly string[],
  options: { exitCode?: number; cause?: unknown } = {},
): RunnerError {
  return new RunnerError(code, lines.join('\n'), { ...options, evidence: { lines } });
}

const causes: Readonly<Record<string, string>> = {
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
  EISDIR: 'a folder is in the way',
  ENOSPC: 'the disk is full, of bytes or of files',
  EDQUOT: 'the quota is used up',
  EROFS: 'the disk is read-only',
  ENOENT: 'no folder can be made there',
  ENAMETOOLONG: 'its name or its path is longer than may be',
  EACCES: 'permissions forbid it',
  EPERM: 'permissions forbid it',
};

/** E_RESULTS: why a file that the user asked for can't be written. `sofar` says what is not lost. */
export function cannotWrite(path: string, error: unknown, sofar: string): RunnerError {
  const code = codeOf(error);
  const why = causes[code ?? ''] ?? (error instanceof Error ? error.message : String(error));
  return new RunnerError(
    'E_RESULTS',
    `${path} can't be written${code ? ` (${code})` : ''}: ${why}. Mend that or choose another folder; ${sofar}.`,
    { exitCode: 1, cause: error, evidence: { path } },
  );
}
