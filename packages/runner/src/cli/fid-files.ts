import { existsSync } from 'node:fs';
import { extname, join, posix, resolve } from 'node:path';
import { digestOfText } from '@fewstep/taskgraph';
import { errorOfLines, RunnerError } from '../errors.js';
import { type FileRole, sourceOf } from '../experiment/published-models.js';
import { didYouMean } from '../judging/suggest.js';
import { modelsFolder } from '../workspace.js';
import { downloadProgress } from './download-progress.js';
import { shownPath } from './output.js';
import { type PlacedFile, registryFiles, registryNames } from './registry-files.js';
import { say } from './say.js';

/** Looks for the files that a command is given, so that all that is missing is told at once. */
export function search() {
  const missing: string[] = [];
  return {
    /** What `find` finds for an option. */
    look(option: string, find: () => string): string {
      try {
        return find();
      } catch (error) {
        if (!(error instanceof RunnerError)) throw error;
        missing.push(`${option}: ${error.message}`);
        return '';
      }
    },
    /** @throws RunnerError E_FILE */
    end(): void {
      if (missing.length > 0) throw errorOfLines('E_FILE', missing);
    },
  };
}

/** @throws RunnerError E_FILE */
export function pathOf(given: string): string {
  if (existsSync(given)) return resolve(given);
  throw notThere(given);
}

/**
 * A path that is there, before a name of the registry that is the same: then its file of that role.
 *
 * @throws RunnerError E_FILE, with how it is had
 */
export function pathOrNamed(given: string, role: FileRole): string {
  if (existsSync(given)) return resolve(given);
  const named = registryNames.flatMap((name) =>
    registryFiles(name).flatMap((one) => (one.role === role ? [{ ...one, name }] : [])),
  );
  const found = named.find(({ name }) => name === given);
  if (!found) {
    const names = named.map(({ name }) => name);
    throw notThere(given, `, and the registry has no ${role} of that name${didYouMean(given, names)}`);
  }
  const { name, path, file } = found;
  if (existsSync(path)) return path;
  const fetch = file.address === undefined ? '' : `fewstep models fetch ${name}, or `;
  const byHand = `${sourceOf(file)} and put it at ${shownPath(path)}`;
  throw new RunnerError('E_FILE', `${name} needs ${shownPath(path)}, which is not there: ${fetch}${byHand}`, {
    evidence: { path },
  });
}

function notThere(given: string, more = ''): RunnerError {
  const path = resolve(given);
  return new RunnerError('E_FILE', `there is no ${given} (looked at ${path})${more}`, { evidence: { path } });
}

/** What is downloaded as a reference, as names end, and how long it may be: images lie beside statistics, too. */
const endings = ['.npz', '.pkl', '.zip'];
const most = 2 ** 36;

/**
 * Where a reference belongs that is given by its address: a file of the registry to its place, any other in a folder of its
 * own within that of models, named after the address. Undefined where what is given is no address.
 *
 * @throws RunnerError E_FILE where it is none that can be downloaded, or doesn't tell what it is of
 */
export function referenceAt(given: string): PlacedFile | undefined {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(given)) return undefined;
  const refuse = (why: string) =>
    new RunnerError('E_FILE', `${given} ${why}: download it, and give its path`, { evidence: { given } });
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given))
    throw refuse('is no address of http:// or https://');
  const published = registryNames.flatMap(registryFiles).find(({ file }) => file.address === given);
  if (published) return published;
  const name = posix.basename(new URL(given).pathname);
  if (!endings.includes(extname(name).toLowerCase())) throw refuse(`ends with none of ${endings.join(', ')}`);
  const folder = join(modelsFolder(), 'references', digestOfText(given).slice(0, 16));
  const file = { name, address: given, licence: 'its licence is not known' };
  return { role: 'reference_data', file, folder, path: join(folder, name) };
}

/**
 * Makes sure that a reference is here: downloaded once, told of before, and held to its digest from then on.
 *
 * @throws RunnerError as `fetchFile` does; E_INTERRUPTED
 */
export async function fetchReference({ file, folder, path }: PlacedFile): Promise<void> {
  const { fetchFile } = await import('../download/fetch-file.js');
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const { onProgress, end } = downloadProgress(
    process.stderr,
    `${shownPath(path)}: ${sourceOf(file)}`,
    file.name,
  );
  try {
    const { state, sha256 } = await fetchFile(file, folder, {
      onProgress,
      signal: interruption.signal,
      most,
    });
    if (state === 'downloaded') say(`${shownPath(path)}: sha256 ${sha256}`);
  } finally {
    end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
