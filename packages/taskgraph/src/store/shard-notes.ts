import { join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import type { Range } from '../kind.js';
import type { Disk } from './machine.js';

/** A shard that is in the store, or was; `key`: of its record. */
export interface FinishedShard {
  readonly range: Range;
  readonly key?: Digest;
}

/** Which shards of a family are finished: a file `first-last` in the family's folder, with the key of its record. */
export interface ShardNotes {
  of(family: Digest): Promise<readonly FinishedShard[]>;
  note(family: Digest, range: Range, key: Digest): Promise<void>;
}

export function shardNotes(disk: Disk, folder: string): ShardNotes {
  return {
    async of(family) {
      const names = await disk.names(join(folder, family));
      const found = names.map(async (name): Promise<FinishedShard[]> => {
        const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(name) ?? [];
        const range: Range = [Number(first), Number(last)];
        if (!(range[0] <= range[1])) return [];
        const key = new TextDecoder().decode(await disk.read(join(folder, family, name)));
        return [isDigest(key) ? { range, key } : { range }];
      });
      return (await Promise.all(found)).flat();
    },
    async note(family, [first, last], key) {
      await disk.folder(join(folder, family));
      await disk.replace(join(folder, family, `${first}-${last}`), key);
    },
  };
}
