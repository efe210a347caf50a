import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, nodeMachine } from '@fewstep/taskgraph';
import { cannotWrite, codeOf, RunnerError } from '../errors.js';
import { type ModelFile, sourceOf } from '../experiment/published-models.js';
import { download } from './download.js';
import { foreignContent } from './foreign-content.js';

/** A file that is here, and how it came: now, or before, and then whether its digest was known. */
export interface FetchedFile {
  readonly path: string;
  readonly sha256: Digest;
  readonly state: 'downloaded' | 'verified' | 'found';
}

interface FetchOptions
  extends Pick<NonNullable<Parameters<typeof download>[2]>, 'onProgress' | 'signal' | 'most'> {
  /** What its SHA-256 must be. */
  readonly expected?: Digest | undefined;
}

/**
 * Makes sure that a file of the registry is in a folder, and is what it was when it came first.
 *
 * Of few files the digest, or how it begins, is public knowledge; of the others the first one is trusted: it is
 * written beside the file, as `NAME.sha256` in the format of sha256sum, and from then on every download and every further
 * call is held to it. Trusted or not, a file must begin as its name says, unless its digest is the one that is expected.
 *
 * @throws RunnerError `E_CHECKSUM` (exit code 1) with `path`, `expected` and `found` as evidence; `E_DOWNLOAD`, also for
 * a file without address and for what a server puts in place of a file, and `E_FILE` where such a thing is here already,
 * both with what was `found`; what `download` throws.
 */
export async function fetchFile(
  file: ModelFile,
  folder: string,
  { expected, ...options }: FetchOptions = {},
): Promise<FetchedFile> {
  const path = join(folder, file.name);
  const record = `${path}.sha256`;
  const known = expected ?? (await recorded(record));
  const compare = (sha256: Digest, remedy: string) => {
    const refuse = (wanted: string, is: string, otherwise: string) => {
      throw new RunnerError(
        'E_CHECKSUM',
        `${path}: its sha256 is ${sha256}, ${is}. ${remedy}; if these bytes are the right ones, ${otherwise}.`,
        { exitCode: 1, evidence: { path, expected: wanted, found: sha256 } },
      );
    };
    const { sha256: start = '' } = file;
    if (!expected && !sha256.startsWith(start))
      refuse(start, `which does not begin with ${start} as published`, 'give their digest');
    if (known === undefined || sha256 === known) return;
    if (expected) refuse(known, `not ${known} as given`, 'give their digest');
    refuse(known, `not ${known} as recorded in ${record}`, 'remove that record first');
  };

  if (existsSync(path)) {
    const sha256 = await digestOf(path);
    const foreign = expected === undefined && (await foreignContent(path, file.name));
    if (foreign) {
      const both = known === undefined ? 'the file' : `the file and its record ${record}`;
      throw new RunnerError('E_FILE', `${path} holds ${foreign}. Move ${both} away and fetch it again.`, {
        exitCode: 1,
        evidence: { path, found: foreign },
      });
    }
    compare(sha256, 'Move the file away and fetch it again');
    if (file.address !== undefined) await write(record, sha256, file.name);
    return { path, sha256, state: known === undefined ? 'found' : 'verified' };
  }
  const byHand = `${sourceOf(file)} and put it at ${path}`;
  if (file.address === undefined)
    throw new RunnerError('E_DOWNLOAD', `${path} has no address to be downloaded from: ${byHand}`, {
      exitCode: 1,
      evidence: { path },
    });

  let sha256 = '';
  const check = async (part: string) => {
    const foreign = expected === undefined && (await foreignContent(part, file.name));
    if (foreign)
      throw new RunnerError('E_DOWNLOAD', `${path} could not be downloaded: what came holds ${foreign}`, {
        exitCode: 1,
        evidence: { path, found: foreign },
      });
    sha256 = await digestOf(part);
    compare(sha256, 'It was not kept');
    await write(record, sha256, file.name);
  };
  await download(file.address, path, { ...options, check }).catch((error) => {
    if (!(error instanceof RunnerError && error.code === 'E_DOWNLOAD')) throw error;
    const { code, message, exitCode, evidence } = error;
    throw new RunnerError(code, `${message}. By hand: ${byHand}`, { exitCode, evidence, cause: error });
  });
  return { path, sha256, state: 'downloaded' };
}

/** The digest in a record, where there is one. */
async function recorded(record: string): Promise<Digest | undefined> {
  const text = await readFile(record, 'utf8').catch(() => '');
  return /^[0-9a-f]{64}(?=[ \n]|$)/i.exec(text)?.[0].toLowerCase();
}

async function write(record: string, sha256: Digest, name: string): Promise<void> {
  if ((await recorded(record)) === sha256) return;
  await writeFile(record, `${sha256}  ${name}\n`, { flush: true }).catch((error) => {
    throw cannotWrite(record, error, 'nothing was changed');
  });
}

async function digestOf(path: string): Promise<Digest> {
  const { disk } = await nodeMachine();
  const hashed = await disk.hash(path).catch((cause) => {
    throw new RunnerError('E_FILE', `${path} can't be read (${codeOf(cause)})`, {
      cause,
      evidence: { path },
    });
  });
  if (!hashed)
    throw new RunnerError('E_FILE', `${path} is no file that can be read (EISDIR)`, { evidence: { path } });
  return hashed.digest;
}
