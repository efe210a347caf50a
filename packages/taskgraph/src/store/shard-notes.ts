import { join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import type { Range } from '../kind.js';
import type { Disk } from './machine.js';

/** Which shards of a family are finished: a file `first-last` in the family's folder, with the key of its record. */
export interface ShardNotes {
  of(family: Digest): Promise<readonly Range[]>;
  /** Of the record of a shard; undefined where its note doesn't tell. */
  keyOf(family: Digest, range: Range): Promise<Digest | undefined>;
  note(family: Digest, range: Range, key: Digest): Promise<void>;
}

export function shardNotes(disk: Disk, folder: string): ShardNotes {
  return {
    async of(family) {
      const names = await disk.names(join(folder, family));
      return names.flatMap((name): Range[] => {
        const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(name) ?? [];
        const range: Range = [Number(first), Number(last)];
        return range[0] <= range[1] ? [range] : [];
      });
    },
    async keyOf(family, [first, last]) {
      const key = new TextDecoder().decode(await disk.read(join(folder, family, `${first}-${last}`)));
      return isDigest(key) ? key : undefined;
    },
    async note(family, [first, last], key) {
      await disk.folder(join(folder, family));
      await disk.replace(join(folder, family, `${first}-${last}`), key);
    },
  };
}
