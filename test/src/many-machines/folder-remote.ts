import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Remote } from '@fewstep/taskgraph';

/** A folder that all machines see. */
export function folderRemote(folder: string): Remote {
  const has = (name: string) =>
    access(join(folder, name)).then(
      () => true,
      () => false,
    );
  let parts = 0;
  return {
    has,
    get: async (name) => ((await has(name)) ? createReadStream(join(folder, name)) : undefined),
    async put(name, { open }) {
      const path = join(folder, name);
      const aside = `${path}.${process.pid}-${parts++}.part`;
      await mkdir(dirname(path), { recursive: true });
      try {
        await pipeline(open(), createWriteStream(aside));
        await rename(aside, path);
      } finally {
        await rm(aside, { force: true });
      }
    },
  };
}
