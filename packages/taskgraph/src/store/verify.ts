import type { Digest } from '../digest.js';
import { type Parts, takeTurn } from './garbage.js';

export interface VerifyOptions {
  /** Removes what is damaged. */
  readonly repair?: boolean;
  /** Told now and then: bytes that were read, of all. */
  readonly onProgress?: (bytes: number, all: number) => void;
}

/** Something in the store that is not what its place says. */
export interface Damage {
  readonly path: string;
  /** A file whose content is another, or what lies in the place of a record and is none. */
  readonly what: 'file' | 'record';
  /** Of a file: what its content is. */
  readonly found?: Digest;
  /** Of a file: which tasks gave it. */
  readonly by: readonly Maker[];
}

/** A record whose files are not all here: never fetched, or lost. It is found once they are here again. */
export interface Incomplete extends Maker {
  readonly path: string;
  readonly missing: readonly string[];
}

/** The task that gave something. */
export interface Maker {
  readonly kind: string;
  readonly key: Digest;
}

/** What was found in the store. */
export interface Verified {
  readonly records: number;
  readonly files: number;
  readonly bytes: number;
  readonly damaged: readonly Damage[];
  readonly incomplete: readonly Incomplete[];
  /** How much of what is damaged was removed. */
  readonly removed: number;
}

/**
 * Compares every file with its digest and every record with its own, and looks whether the files that records promise are
 * there. What is damaged is passed over by runs and computed again; `repair` removes it, beside whoever uses the store. What
 * systems leave in folders is nobody's business.
 *
 * Memory is bounded by what is damaged: files are read in pieces.
 *
 * @throws TaskgraphError E_STORE_BUSY where it is to repair
 */
export async function verify(
  dir: string,
  parts: Parts,
  { repair = false, onProgress = () => {} }: VerifyOptions = {},
): Promise<Verified> {
  const { disk, records, blobs, holds } = parts;
  let all = 0;
  for await (const { path } of blobs.list()) all += (await disk.stamp(path))?.size ?? 0;
  let [files, bytes, count] = [0, 0, 0];
  const spoilt = new Map<Digest, Digest | undefined>();
  for await (const { path, digest } of blobs.list()) {
    if (digest === undefined) continue;
    const found = await disk.hash(path);
    if (!found && !(await disk.stamp(path))) continue; // it went meanwhile
    files++;
    bytes += found?.stamp.size ?? 0;
    if (found?.digest !== digest) spoilt.set(digest, found?.digest);
    onProgress(bytes, all);
  }
  const makers = new Map<Digest, Maker[]>([...spoilt.keys()].map((digest) => [digest, []]));
  const noRecords: { readonly path: string; readonly key: Digest }[] = [];
  const incomplete: Incomplete[] = [];
  for await (const { path, key, record } of records.list()) {
    if (!record) {
      if (key && (await disk.stamp(path))) noRecords.push({ path, key });
      continue;
    }
    count++;
    const maker = { kind: record.components.kind, key: record.key };
    const missing: string[] = [];
    for (const [name, output] of Object.entries(record.outputs)) {
      if (makers.has(output.digest)) makers.get(output.digest)!.push(maker);
      else if (!(await blobs.has(output))) missing.push(name);
    }
    if (missing.length > 0) incomplete.push({ ...maker, path, missing });
  }
  const damaged: Damage[] = [
    ...[...spoilt].map(([digest, found]): Damage => {
      return { path: blobs.path(digest), what: 'file', by: makers.get(digest)!, ...(found && { found }) };
    }),
    ...noRecords.map(({ path }): Damage => ({ path, what: 'record', by: [] })),
  ];
  const seen = { records: count, files, bytes, damaged, incomplete };
  if (!repair) return { ...seen, removed: 0 };

  const { lease, now } = await takeTurn(dir, parts);
  let removed = 0;
  try {
    // as whoever reads it does: another process may have mended it since
    for (const digest of spoilt.keys())
      if (!(await blobs.sound(digest)) && !(await disk.stamp(blobs.path(digest)))) removed++;
    for (let at = 0; at < noRecords.length; )
      await holds.alone(now, async (held, mayGoOn) => {
        for (; at < noRecords.length && mayGoOn(); at++) {
          const { path, key } = noRecords[at]!;
          const stamp = await disk.stamp(path);
          if (!stamp || stamp.changedMs >= now || held.has(key)) continue;
          await disk.remove(path);
          removed++;
        }
      });
  } finally {
    await lease.release();
  }
  return { ...seen, removed };
}
