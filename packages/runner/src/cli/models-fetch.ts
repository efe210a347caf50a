import type { Digest } from '@fewstep/taskgraph';
import { type FetchedFile, fetchFile } from '../download/fetch-file.js';
import { codeOf, errorOfLines, RunnerError } from '../errors.js';
import { sourceOf } from '../experiment/published-models.js';
import type { Answer } from './answer.js';
import { downloadProgress } from './download-progress.js';
import { shownPath } from './output.js';
import { type PlacedFile, registryFiles, registryName } from './registry-files.js';

/**
 * `fewstep models fetch NAME…`: downloads what is missing of models' files and compares what is here with its record.
 * A file that can't be had doesn't keep the others away.
 *
 * @throws RunnerError of the file that failed; of several, one that holds all their messages.
 */
export async function modelsFetch(
  names: readonly string[],
  options: { readonly sha256: readonly string[] },
  answer: Answer,
): Promise<void> {
  const files = [
    ...new Map(
      names.flatMap((name) => registryFiles(registryName(name))).map((file) => [file.path, file]),
    ).values(),
  ];
  const expected = expectedDigests(options.sha256, files);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const fetched: FetchedFile[] = [];
  const errors: RunnerError[] = [];
  try {
    for (const { file, folder, path } of files) {
      const { onProgress, end } = downloadProgress(
        process.stderr,
        `${shownPath(path)}: ${sourceOf(file)}`,
        file.name,
      );
      try {
        const result = await fetchFile(file, folder, {
          expected: expected.get(file.name),
          onProgress,
          signal: interruption.signal,
        });
        fetched.push({ ...result, path: shownPath(path) });
        answer.object({ files: fetched });
      } catch (error) {
        if (!(error instanceof RunnerError) || error.code === 'E_INTERRUPTED') throw error;
        errors.push(error);
      } finally {
        end();
      }
    }
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  for (const { path, sha256, state } of fetched) answer.line(`${sha256}  ${path} (${state})`);
  if (errors.length > 0) throw together(errors);
}

function together(errors: readonly RunnerError[]): RunnerError {
  const [first, ...others] = errors as [RunnerError, ...RunnerError[]];
  if (others.length === 0) return first;
  const lines = [first.message, ...others.map((error) => `${codeOf(error)} ${error.message}`)];
  return errorOfLines(first.code, lines, { exitCode: first.exitCode });
}

/** @throws RunnerError E_MODELS for a digest that is none, or of no file that is asked for */
function expectedDigests(
  given: readonly string[],
  files: readonly PlacedFile[],
): ReadonlyMap<string, Digest> {
  const names = files.map(({ file }) => file.name);
  return new Map(
    given.map((text) => {
      const [, name = '', digest = ''] = /^(.*)=([^=]*)$/.exec(text) ?? [];
      if (!names.includes(name) || !/^[0-9a-f]{64}$/i.test(digest))
        throw new RunnerError(
          'E_MODELS',
          `--sha256 ${text}: FILE=DIGEST is expected, with 64 hex digits and one of the files ${names.join(', ')}`,
          { evidence: { given: text } },
        );
      return [name, digest.toLowerCase()];
    }),
  );
}
