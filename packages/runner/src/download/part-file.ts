import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isHeld, leases, nodeMachine } from '@fewstep/taskgraph';
import { cannotWrite } from '../cannot-write.js';
import { RunnerError } from '../errors.js';

/** Which state of a remote file bytes belong to. */
export interface Version {
  /** What If-Range takes: a strong ETag, or else the date of the last change. Without one there is no going on. */
  readonly validator: string | undefined;
  /** Length of the whole file, where the server says it. */
  readonly total: number | undefined;
}

/** The part of a file that is here already, and the way to the whole. */
export interface PartFile {
  readonly path: string;
  /** How much is here. */
  readonly bytes: number;
  /** Of what; nothing where none has begun. */
  readonly version: Version | undefined;
  /** Forgets what is here and begins a version. */
  begin(version: Version): Promise<void>;
  append(chunk: Uint8Array): Promise<void>;
  /** Forgets what is here. */
  forget(): Promise<void>;
  /** Gives the whole file its name, once `check` is content with it. */
  finish(check: (path: string) => Promise<void>): Promise<void>;
}

/**
 * Opens what is here of a file, for one process at a time: `PATH.part`, and in `PATH.part.json` what it is of.
 *
 * @throws RunnerError `E_BUSY` while another process has it; `E_RESULTS` where the disk refuses.
 */
export async function withPartFile(
  path: string,
  address: string,
  use: (part: PartFile) => Promise<void>,
): Promise<void> {
  const refused = (error: unknown) => {
    throw cannotWrite(path, error, 'what came so far is kept');
  };
  const lease = await nodeMachine()
    .then(async (machine) => {
      await machine.disk.folder(dirname(path));
      return leases(machine)(`${path}.lock`);
    })
    .catch(refused);
  if (!lease || isHeld(lease))
    throw new RunnerError(
      'E_BUSY',
      `another process${lease?.holder ? ` (${lease.holder})` : ''} is downloading ${path}; wait for it, or end it and try again`,
      { exitCode: 1, evidence: { path } },
    );
  try {
    const part = await openPart(path, address, () => lease.held()).catch(refused);
    try {
      await use(part);
    } finally {
      await part.close();
    }
  } finally {
    await lease.release();
  }
}

async function openPart(
  target: string,
  address: string,
  isOurs: () => Promise<boolean>,
): Promise<PartFile & { close(): Promise<void> }> {
  const path = `${target}.part`;
  const note = `${path}.json`;
  const file = await open(path, 'a').then(async (made) => {
    await made.close();
    return open(path, 'r+');
  });
  let version = await versionIn(note, address);
  let bytes = version ? (await file.stat()).size : 0;

  const writing = async <R>(write: () => Promise<R>): Promise<R> => {
    try {
      return await write();
    } catch (error) {
      throw cannotWrite(path, error, 'what came so far is kept');
    }
  };
  const forget = async () => {
    await rm(note, { force: true });
    await file.truncate(0);
    version = undefined;
    bytes = 0;
  };

  return {
    path,
    get bytes() {
      return bytes;
    },
    get version() {
      return version;
    },
    begin: (next) =>
      writing(async () => {
        await forget();
        await writeFile(note, JSON.stringify({ address, ...next }));
        version = next;
      }),
    append: (chunk) =>
      writing(async () => {
        await writeAt(file, chunk, bytes);
        bytes += chunk.length;
      }),
    forget: () => writing(forget),
    async finish(check) {
      await writing(() => file.sync());
      // a process that was stopped for long may have lost it to one that writes the same file
      if (!(await isOurs()))
        throw new RunnerError('E_BUSY', `another process took over the download of ${target}; try again`, {
          exitCode: 1,
          evidence: { path: target },
        });
      try {
        await check(path);
      } catch (error) {
        await writing(forget);
        await rm(path, { force: true });
        throw error;
      }
      await writing(async () => {
        await rename(path, target);
        await syncFolder(dirname(target));
      });
      await rm(note, { force: true });
    },
    async close() {
      await file.close();
      if (bytes === 0 || version?.validator === undefined) await rm(path, { force: true });
    },
  };
}

/** What a note says, where it is one of ours about this address. */
async function versionIn(note: string, address: string): Promise<Version | undefined> {
  const text = await readFile(note, 'utf8').catch(() => '{}');
  try {
    const { address: of, validator, total } = JSON.parse(text);
    const known = typeof validator === 'string' && (total === undefined || Number.isSafeInteger(total));
    return of === address && known ? { validator, total } : undefined;
  } catch {
    return undefined;
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** So that the name, too, is on the disk. Not every system opens folders. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
