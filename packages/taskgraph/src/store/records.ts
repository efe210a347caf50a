import { dirname, join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import type { Disk } from './machine.js';
import { type ActionRecord, formatRecord, parseRecord } from './record.js';

export type Records = ReturnType<typeof records>;

/** Records by key, a file each; whatever else lies there is passed over. */
export function records(disk: Disk, folder: string) {
  const pathOf = (key: Digest) => join(folder, key.slice(0, 2), `${key}.json`);
  const read = async (key: Digest): Promise<ActionRecord | undefined> => {
    const bytes = await disk.read(pathOf(key));
    return bytes && parseRecord(new TextDecoder().decode(bytes), key);
  };
  return {
    read,
    path: pathOf,
    /** Writes a record unless there is something of that key; says whether it did. */
    async place(record: ActionRecord): Promise<boolean> {
      await disk.folder(dirname(pathOf(record.key)));
      return disk.place(pathOf(record.key), formatRecord(record));
    },
    replace: (record: ActionRecord): Promise<void> => disk.replace(pathOf(record.key), formatRecord(record)),
    /** All that lies here: records, and what is none, with the key that it lies in the place of. */
    async *list(): AsyncIterable<{
      readonly path: string;
      readonly key?: Digest;
      readonly record?: ActionRecord;
    }> {
      for (const prefix of await disk.names(folder)) {
        const inside = /^[0-9a-f]{2}$/.test(prefix) ? await disk.names(join(folder, prefix)) : [];
        for (const name of inside) {
          const path = join(folder, prefix, name);
          const key = name.replace(/\.json$/, '');
          const isPlace = isDigest(key) && pathOf(key) === path;
          const record = isPlace ? await read(key) : undefined;
          yield { path, ...(isPlace && { key }), ...(record && { record }) };
        }
      }
    },
  };
}
