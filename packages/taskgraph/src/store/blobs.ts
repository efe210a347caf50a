import { dirname, join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import { once } from '../maps.js';
import type { Disk } from './machine.js';
import type { Output } from './record.js';

export type Blobs = ReturnType<typeof blobs>;

/** The second level of the store: files by the digest of their content. */
export function blobs(disk: Disk, folder: string) {
  const pathOf = (digest: Digest) => join(folder, digest.slice(0, 2), digest);
  /** The stamps of files when they were found to be what their names say. */
  const verified = new Map<Digest, string>();
  const verifying = new Map<Digest, Promise<string | undefined>>();

  const verify = async (digest: Digest): Promise<string | undefined> => {
    const path = pathOf(digest);
    const found = await disk.hash(path);
    if (!found) return undefined;
    if (found.digest === digest) {
      verified.set(digest, found.stamp.id);
      return path;
    }
    verified.delete(digest);
    // Another process may have mended it since it was read: what is taken away is looked at once more.
    const aside = `${path}.damaged`;
    if (!(await disk.stamp(path))) return undefined;
    await disk.move(path, aside).catch(() => {});
    const taken = await disk.hash(aside);
    if (taken?.digest === digest) {
      await disk.move(aside, path);
      return path;
    }
    await disk.remove(aside);
    return undefined;
  };

  return {
    path: pathOf,
    /** Whether a file of that size is there, unread. */
    async has({ digest, size }: Output): Promise<boolean> {
      const found = await disk.stamp(pathOf(digest));
      return found !== undefined && !found.isFolder && found.size === size;
    },
    /** The path of a file whose content was compared with its name since it changed last; undefined where there is none. */
    async sound(digest: Digest): Promise<string | undefined> {
      const known = verified.get(digest);
      if (known !== undefined && (await disk.stamp(pathOf(digest)))?.id === known) return pathOf(digest);
      return once(verifying, digest, () => verify(digest).finally(() => verifying.delete(digest)));
    },
    /** Moves a file in; over one that is damaged, too. `announce` is waited for before others see it. */
    async take(file: string, announce: (digest: Digest) => Promise<void>): Promise<Output> {
      const found = await disk.hash(file);
      if (!found) throw new Error(`${file} was there a moment ago`);
      const { digest } = found;
      await announce(digest);
      const path = pathOf(digest);
      await disk.folder(dirname(path));
      await disk.move(file, path);
      const stamp = await disk.stamp(path);
      if (stamp?.size === found.stamp.size) verified.set(digest, stamp.id);
      return { digest, size: found.stamp.size };
    },
    /** The digests of all that lie here, and the paths of what else does. */
    async *list(): AsyncIterable<{ readonly path: string; readonly digest?: Digest }> {
      for (const prefix of await disk.names(folder)) {
        const inside = /^[0-9a-f]{2}$/.test(prefix) ? await disk.names(join(folder, prefix)) : [];
        for (const name of inside) {
          const path = join(folder, prefix, name);
          yield isDigest(name) && name.startsWith(prefix) ? { path, digest: name } : { path };
        }
      }
    },
  };
}
