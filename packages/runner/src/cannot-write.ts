import { codeOf, RunnerError } from './errors.js';

const causes: Readonly<Record<string, string>> = {
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
  EISDIR: 'a folder is in the way',
  ENOSPC: 'the disk is full, of bytes or of files',
  EDQUOT: 'the quota is used up',
  EROFS: 'the disk is read-only',
  ENOENT: 'no folder can be made there',
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
