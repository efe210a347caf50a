import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from '@fewstep/taskgraph';
import { lengthAt } from '../../download/download.js';
import { type FetchedFile, fetchFile } from '../../download/fetch-file.js';
import { codeOf, errorOfLines, RunnerError } from '../../errors.js';
import type { Experiment } from '../../experiment/experiment.js';
import { missingFiles } from '../../experiment/missing-files.js';
import { sourceOf } from '../../experiment/published-models.js';
import { shownPath } from '../reports/output.js';
import { downloadProgress } from '../terminal/download-progress.js';
import { interruption } from '../terminal/interruption.js';
import { megabytes } from '../terminal/quantities.js';
import { say, screen } from '../terminal/say.js';
import type { PlacedFile } from './registry-files.js';

/** A file of the registry, and where it is or belongs. */
type Wanted = Pick<PlacedFile, 'file' | 'path'>;

/**
 * Downloads what experiments need of the registry and isn't here; what is here is kept as it is.
 *
 * @throws RunnerError as `fetchFiles`, with every file that could not be had
 */
export async function fetchNeeded(experiments: readonly Pick<Experiment, 'files'>[]): Promise<void> {
  const missing = experiments.flatMap((experiment) =>
    missingFiles(experiment).flatMap(({ path, published }) =>
      published ? [{ path, file: published.file }] : [],
    ),
  );
  const byPath = new Map(missing.map((one) => [one.path, one]));
  await fetchFiles([...byPath.values()], sayDownloaded);
}

/** Tells the digest of what came now. */
export function sayDownloaded({ path, sha256, state }: FetchedFile): void {
  if (state === 'downloaded') say(`${shownPath(path)}: downloaded, its sha256 is ${sha256}`);
}

/**
 * Downloads what is missing of files of the registry, and compares what is here with its record. How much that is, and how
 * much room there is, is told before. A file that can't be had doesn't keep the others away; Ctrl-C ends it.
 *
 * @param onFetched told of each file once it is here
 * @param expected digests, by the names of the files
 * @param most bytes of a file
 * @throws RunnerError of the file that failed; of several, one that holds all their messages. E_DOWNLOAD where the disk has
 *   no room for them; E_INTERRUPTED (exit code 130)
 */
export async function fetchFiles(
  files: readonly Wanted[],
  onFetched: (file: FetchedFile) => void,
  { expected, most }: { readonly expected?: ReadonlyMap<string, Digest>; readonly most?: number } = {},
): Promise<void> {
  const { signal, end: stopListening } = interruption();
  const errors: RunnerError[] = [];
  try {
    await tellSizes(files, signal);
    for (const { file, path } of files) {
      const announcement = `${shownPath(path)}: ${sourceOf(file)}`;
      const { onProgress, end } = downloadProgress(screen(), announcement, file.name);
      try {
        onFetched(
          await fetchFile(file, dirname(path), {
            expected: expected?.get(file.name),
            onProgress,
            signal,
            ...(most !== undefined && { most }),
          }),
        );
      } catch (error) {
        if (!(error instanceof RunnerError) || error.code === 'E_INTERRUPTED') throw error;
        errors.push(error);
      } finally {
        end();
      }
    }
  } finally {
    stopListening();
  }
  if (errors.length > 0) throw together(errors);
}

/** Says how much is to come, by what the servers say or else the registry, and how much room there is for it. */
async function tellSizes(files: readonly Wanted[], signal: AbortSignal): Promise<void> {
  const missing = files.filter(({ file, path }) => file.address !== undefined && !existsSync(path));
  const [first] = missing;
  if (!first) return;
  const sizes = await Promise.all(
    missing.map(async ({ file }) => (await lengthAt(file.address!, { signal })) ?? file.bytes),
  );
  if (signal.aborted) return;
  for (const [i, { file }] of missing.entries()) {
    const size = sizes[i];
    say(`${file.name}: ${size === undefined ? 'its server tells no length' : megabytes(size)}`);
  }
  // all of the registry that has an address belongs into one folder
  const folder = dirname(first.path);
  const free = await freeAt(folder);
  const total = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const isKnown = sizes.every((size) => size !== undefined);
  const count = `${missing.length} ${missing.length === 1 ? 'file' : 'files'}`;
  say(
    `to download: ${count}, ${isKnown ? '' : 'at least '}${megabytes(total)}; ${shownPath(folder)} has ${megabytes(free)} free`,
  );
  const here = missing.reduce((sum, { path }) => sum + bytesAt(`${path}.part`), 0);
  if (total - here > free)
    throw new RunnerError(
      'E_DOWNLOAD',
      `${shownPath(folder)} has ${megabytes(free)} free, and ${megabytes(total - here)} are to come: make room, or name another folder of models with FEWSTEP_MODELS; nothing was downloaded`,
      { exitCode: 1, evidence: { path: folder, free, bytes: total - here } },
    );
}

const bytesAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** What can be written into a folder, or where it will be made. */
async function freeAt(folder: string): Promise<number> {
  const there = existsSync(folder);
  const above = dirname(folder);
  if (!there && above !== folder) return freeAt(above);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function together(errors: readonly RunnerError[]): RunnerError {
  const [first, ...others] = errors as [RunnerError, ...RunnerError[]];
  if (others.length === 0) return first;
  const lines = [first.message, ...others.map((error) => `${codeOf(error)} ${error.message}`)];
  return errorOfLines(first.code, lines, { exitCode: first.exitCode });
}
