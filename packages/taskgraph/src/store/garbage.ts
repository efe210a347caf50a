import { join } from 'node:path';
import type { Digest } from '../digest.js';
import type { Blobs } from './blobs.js';
import type { Disk } from './machine.js';
import type { Records } from './records.js';

/** What was removed. */
export interface Garbage {
  readonly files: number;
  /** Of the blobs among them. */
  readonly bytes: number;
}

const dayMs = 24 * 3600 * 1000;

/**
 * Removes what no record points to and what is no entry at all: blobs of results that were kept out, damaged files, folders
 * and leases of processes that are gone. What changed within `keepMs` stays: a run may be about to record it.
 */
export async function collectGarbage(
  dir: string,
  { disk, records, blobs }: { disk: Disk; records: Records; blobs: Blobs },
  keepMs = dayMs,
): Promise<Garbage> {
  let [files, bytes] = [0, 0];
  const removeIfOld = async (path: string) => {
    const stamp = await disk.stamp(path);
    if (!stamp || Date.now() - stamp.changedMs < keepMs) return;
    await disk.remove(path);
    files++;
    bytes += stamp.isFolder ? 0 : stamp.size;
  };
  const live = new Set<Digest>();
  for await (const { path, record } of records.list()) {
    if (record) for (const { digest } of Object.values(record.outputs)) live.add(digest);
    else await removeIfOld(path);
  }
  for await (const { path, digest } of blobs.list())
    if (digest === undefined || !live.has(digest)) await removeIfOld(path);
  for (const folder of ['tmp', 'leases'])
    for (const name of await disk.names(join(dir, folder))) await removeIfOld(join(dir, folder, name));
  return { files, bytes };
}
