import type { Digest } from '@fewstep/taskgraph';
import type { FetchedFile } from '../../download/fetch-file.js';
import { RunnerError } from '../../errors.js';
import { shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';
import { fetchFiles } from './fetch-files.js';
import { type PlacedFile, registryFiles, registryName } from './registry-files.js';

/**
 * `fewstep models fetch NAME…`: downloads what is missing of models' files and compares what is here with its record.
 * A file that can't be had doesn't keep the others away.
 *
 * @throws RunnerError E_MODELS; as `fetchFiles`
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
  const fetched: FetchedFile[] = [];
  await fetchFiles(
    files,
    ({ path, sha256, state }) => {
      fetched.push({ sha256, state, path: shownPath(path) });
      answer.object({ files: fetched });
      answer.line(`${sha256}  ${shownPath(path)} (${state})`);
    },
    { expected },
  );
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
