import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import type { Remote } from '@fewstep/taskgraph';
import { codeOf } from '@fewstep/taskgraph/errors';
import { limit } from '@fewstep/taskgraph/limit';

/**
 * What a file system is asked at once: a share that hangs holds a thread for each, and Node has four, which the store needs,
 * too.
 */
const atOnce = 2;
const bufferBytes = 1 << 20;
/** Codes of network shares that sync no folders; what is renamed on them is there. */
const noSync = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EBADF', 'EPERM'];

/**
 * A cache in a folder that machines share: a file for each name, in a folder of its digest's first two digits, as
 * `blobs/ab/abcd…`. A file is written beside its place, synced and renamed, so nobody sees a part of one, and nothing is locked; the
 * later of two writers stays.
 *
 * - `place`: the folder, which must be there: a share that isn't mounted is a failure, and nothing is written in its stead.
 * - `folder`: what a relative place is relative to; by default the working folder.
 *
 * @throws Error where no place is given
 */
export function cache({ place, folder = '.' }: { place?: string | undefined; folder?: string }): Remote {
  if (place === undefined || place === '')
    throw new Error('it needs a folder that is there, as in dir:/mnt/lab');
  const root = resolve(folder, place);
  const inTurn = limit(atOnce);

  /** Of a name that a remote has; what it is not leads nowhere. */
  const pathOf = (name: string): string => {
    const [, kind, digest] = /^(records|blobs|shards)\/([0-9a-f]{64})$/.exec(name) ?? [];
    if (kind === undefined || digest === undefined)
      throw new Error(`${JSON.stringify(name)} is no name of a result`);
    return join(root, kind, digest.slice(0, 2), digest);
  };
  /** Where there is no file there must be the folder. */
  const missing = async (error: unknown): Promise<undefined> => {
    if (codeOf(error) !== 'ENOENT') throw error;
    await stat(root);
    return undefined;
  };

  return {
    has: async (name) => {
      const path = pathOf(name);
      return inTurn(async () => (await stat(path).catch(missing))?.isFile() ?? false);
    },

    async get(name, signal) {
      const path = pathOf(name);
      // a pipe in its place would be waited for
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      const file = await inTurn(() => open(path, flags).catch(missing));
      if (!file) return undefined;
      const content = addAbortSignal(signal, contentOf(file, inTurn));
      if ((await inTurn(() => file.stat())).isFile()) return content;
      content.destroy();
      return undefined;
    },

    async put(name, { open: opened }, signal) {
      const path = pathOf(name);
      const aside = `${path}.${randomBytes(8).toString('hex')}.part`;
      try {
        const file = await inTurn(async () => {
          await folders(root, dirname(path));
          return open(aside, 'wx', 0o666);
        });
        try {
          for await (const part of opened()) {
            signal.throwIfAborted();
            await inTurn(() => file.writeFile(part));
          }
          await inTurn(() => file.sync());
        } finally {
          await inTurn(() => file.close());
        }
        signal.throwIfAborted();
        await inTurn(() => rename(aside, path));
        await inTurn(() => synced(dirname(path)));
      } catch (error) {
        await inTurn(() => rm(aside, { force: true })).catch(() => {});
        throw error;
      }
    },
  };
}

type InTurn = ReturnType<typeof limit>;

/** A file's bytes; it is closed however that ends. */
const contentOf = (file: FileHandle, inTurn: InTurn): Readable =>
  new Readable({
    highWaterMark: bufferBytes,
    read() {
      inTurn(() => file.read(Buffer.allocUnsafe(bufferBytes), 0, bufferBytes)).then(
        ({ bytesRead, buffer }) => this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead)),
        (error: Error) => this.destroy(error),
      );
    },
    destroy: (error, done) => void inTurn(() => file.close()).then(() => done(error), done),
  });

/** Makes the folders of a file, but not the one that is shared. */
async function folders(root: string, folder: string): Promise<void> {
  await stat(root);
  for (const path of [dirname(folder), folder])
    await mkdir(path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
}

async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!noSync.includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
