import { join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import type { Range } from '../kind.js';
import type { Disk } from './machine.js';

/** The range that a note's name says. */
export function rangeNamed(name: string): Range | undefined {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(name) ?? [];
  const range: Range = [Number(first), Number(last)];
  return range[0] <= range[1] ? range : undefined;
}

/** A family's notes in one text: keys of records by the names of notes. */
export const formatNotes = (notes: ReadonlyMap<string, Digest>): string =>
  JSON.stringify(Object.fromEntries(notes));

/** What of a text is a note, wherever it came from. */
export function parseNotes(text: string): Map<string, Digest> {
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(
      entries.flatMap(([name, key]) => (rangeNamed(name) && isDigest(key) ? [[name, key]] : [])),
    );
  } catch {
    return new Map();
  }
}

export type ShardNotes = ReturnType<typeof shardNotes>;

/** Which shards of a family are finished: a file `first-last` in the family's folder, with the key of its record. */
export function shardNotes(disk: Disk, folder: string) {
  return {
    families: async (): Promise<readonly Digest[]> => (await disk.names(folder)).filter(isDigest),
    async of(family: Digest): Promise<readonly Range[]> {
      const names = await disk.names(join(folder, family));
      return names.map(rangeNamed).filter((range) => range !== undefined);
    },
    /** Of the record of a shard; undefined where its note doesn't tell. */
    async keyOf(family: Digest, [first, last]: Range): Promise<Digest | undefined> {
      const key = new TextDecoder().decode(await disk.read(join(folder, family, `${first}-${last}`)));
      return isDigest(key) ? key : undefined;
    },
    /** All notes that tell a key. */
    async *list(): AsyncIterable<{
      readonly path: string;
      readonly family: Digest;
      readonly key: Digest;
    }> {
      for (const family of await disk.names(folder))
        for (const name of await disk.names(join(folder, family))) {
          const path = join(folder, family, name);
          const key = new TextDecoder().decode(await disk.read(path));
          if (rangeNamed(name) && isDigest(key)) yield { path, family, key };
        }
    },
    async note(family: Digest, [first, last]: Range, key: Digest): Promise<void> {
      await disk.folder(join(folder, family));
      await disk.replace(join(folder, family, `${first}-${last}`), key);
    },
  };
}
