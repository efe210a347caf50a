import { join } from 'node:path';
import type { Digest } from '../digest.js';
import { TaskgraphError } from '../errors.js';
import { once } from '../maps.js';
import type { Blobs } from './blobs.js';
import { type Held, type Holds, ownerOf } from './holds.js';
import type { Lease, TakeLease } from './lease.js';
import type { Disk, Stamp } from './machine.js';
import type { Pins } from './pins.js';
import type { ActionRecord, Output } from './record.js';
import type { Records } from './records.js';
import type { ShardNotes } from './shard-notes.js';

/** A record in the store, and what it costs. */
export interface StoreEntry {
  readonly record: ActionRecord;
  /** Bytes of the record alone. */
  readonly recordBytes: number;
  /** Those of its files that are here, at their full size; others may have them, too. */
  readonly files: readonly Output[];
  /** When it was put here, ms since 1970, by the clock of the store's disk. */
  readonly sinceMs: number;
  /** Whether that is all of them. */
  readonly isWhole: boolean;
}

/** What of the records is garbage. Without any of these none is. */
export interface Garbage {
  /** Records of other keys may go. */
  readonly keep?: ReadonlySet<Digest>;
  /** Records that were put here longer ago than this may go, ms. */
  readonly olderThanMs?: number;
  /**
   * Of what may go, so much goes that the store has no more bytes than these: first what costs the fewest seconds to compute
   * again for each byte. Without it all goes that may.
   */
  readonly maxBytes?: number;
  /** What no record points to, and what is no entry at all, stays for so long after its last change, ms; by default a day. */
  readonly keepMs?: number;
  /** Only says what would go, and writes nothing. */
  readonly dryRun?: boolean;
}

/** What was removed, or would be. */
export interface Collected {
  /** Records that went, with the files that no other one has. */
  readonly entries: readonly Removed[];
  /** Files that went in all, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Bytes of the records and files that are left. */
  readonly left: number;
  /** Records that would have been among those that may go, and stay. */
  readonly stayed: { readonly pinned: number; readonly held: number };
}

/** A record as garbage. */
export interface Removed {
  readonly key: Digest;
  readonly kind: string;
  /** That went with it: its own, and those of the files that no other one has. */
  readonly bytes: number;
  /** That computing it took. */
  readonly seconds: number;
}

/** What a store is made of. */
export interface Parts {
  readonly disk: Disk;
  readonly records: Records;
  readonly blobs: Blobs;
  readonly shards: ShardNotes;
  readonly pins: Pins;
  readonly holds: Holds;
  readonly takeLease: TakeLease;
}

const dayMs = 24 * 3600 * 1000;
const atOnce = 1024;

/** What lies in a store. */
interface Survey {
  readonly entries: readonly Entry[];
  /** What is no entry, and files that no record has: those that are old enough to be nobody's. */
  readonly debris: readonly Victim[];
  /** Of shards, by the keys of their records. */
  readonly notes: ReadonlyMap<Digest, readonly Note[]>;
  /** Of files: how many records have them, and their bytes. */
  readonly uses: Map<Digest, number>;
  readonly sizes: ReadonlyMap<Digest, number>;
  /** Bytes of all records and files. */
  readonly bytes: number;
}

interface Entry extends Removed {
  /** Of it and of all its files. */
  readonly bytes: number;
  readonly path: string;
  readonly sinceMs: number;
  /** Bytes of the record alone. */
  readonly own: number;
  readonly digests: readonly Digest[];
}

interface Note {
  readonly path: string;
  readonly family: Digest;
}

/** A file that is to go, and what goes with it. */
interface Victim {
  /** None where only the notes are to go, of a record that is no more. */
  readonly path?: string;
  /** The key that it is, or lies in the place of; the digest of a file. */
  readonly name?: Digest;
  readonly entry?: Entry;
  readonly notes?: readonly Note[];
}

/**
 * Removes records that nobody keeps, and with them the files that no other record has; and always what no record points to and
 * what is no entry at all: files of results that were kept out, damaged ones, notes of shards without a record, folders and
 * leases of processes that are gone.
 *
 * It may run beside any runs, of any machines: what one of them holds stays (`holds`), and so does what is pinned, and what
 * was written since the collection began. One collects at a time.
 *
 * @throws TaskgraphError E_STORE_BUSY
 */
export async function collectGarbage(dir: string, parts: Parts, garbage: Garbage = {}): Promise<Collected> {
  const { keepMs = dayMs, dryRun = false } = garbage;
  const { disk, pins, holds } = parts;
  const turn = dryRun ? undefined : await takeTurn(dir, parts);
  // the times of files are by the disk's clock, and so is this
  const now = turn?.now ?? Date.now();
  try {
    // What is held at any time from here on stays: who publishes meanwhile has held the files before this began.
    const before = await holds.read(now, !dryRun);
    const isOld = ({ changedMs }: Stamp) => now - changedMs > keepMs;
    const found = await survey(parts, isOld);
    const pinned = new Set((await pins.list()).flatMap(({ keys }) => keys));
    const { chosen, stayed } = choose(found, garbage, { now, pinned, held: before });
    const victims = [...found.debris, ...chosen];

    const removed = removal(parts, found, (stamp) => dryRun || stamp.changedMs < now, dryRun);
    if (!turn) for (const victim of victims) await removed.take(victim, [before]);
    for (let at = 0; turn && at < victims.length && (await turn.lease.held()); )
      await holds.alone(now, async (held, mayGoOn) => {
        for (const end = at + atOnce; at < Math.min(end, victims.length) && mayGoOn(); at++)
          await removed.take(victims[at]!, [before, held]);
      });
    for (const name of await disk.names(join(dir, 'tmp'))) {
      const stamp = await disk.stamp(join(dir, 'tmp', name));
      if (stamp && isOld(stamp) && !before.isOwner(ownerOf(name))) await removed.file(join(dir, 'tmp', name));
    }
    // who has one says so every few seconds
    for (const name of await disk.names(join(dir, 'leases'))) {
      const stamp = await disk.stamp(join(dir, 'leases', name));
      if (stamp && now - stamp.changedMs > dayMs) await removed.file(join(dir, 'leases', name));
    }
    const { entries, counts } = removed;
    const { held, ...went } = counts;
    return { entries, ...went, stayed: { ...stayed, held: stayed.held + held } };
  } finally {
    await turn?.lease.release();
  }
}

async function survey(
  { disk, records, blobs, shards }: Parts,
  isOld: (stamp: Stamp) => boolean,
): Promise<Survey> {
  const entries: Omit<Entry, 'bytes'>[] = [];
  const debris: Victim[] = [];
  const uses = new Map<Digest, number>();
  const sizes = new Map<Digest, number>();
  const keys = new Set<Digest>();
  let bytes = 0;
  for await (const { path, key: name, record } of records.list()) {
    const stamp = await disk.stamp(path);
    if (!stamp) continue;
    if (!record) {
      if (isOld(stamp)) debris.push({ path, ...(name && { name }) });
      continue;
    }
    const { key, components, outputs, provenance } = record;
    const digests = [...new Set(Object.values(outputs).map(({ digest }) => digest))];
    for (const digest of digests) uses.set(digest, (uses.get(digest) ?? 0) + 1);
    const [{ kind }, { seconds }, own, sinceMs] = [components, provenance, stamp.size, stamp.changedMs];
    entries.push({ key, kind, seconds, path, own, digests, sinceMs });
    keys.add(key);
    bytes += own;
  }
  for await (const { path, digest } of blobs.list()) {
    const stamp = await disk.stamp(path);
    if (!stamp) continue;
    const isFile = digest !== undefined && !stamp.isFolder;
    if (isFile) {
      sizes.set(digest, stamp.size);
      bytes += stamp.size;
    }
    if ((!isFile || !uses.has(digest)) && isOld(stamp))
      debris.push({ path, ...(digest && { name: digest }) });
  }
  const notes = new Map<Digest, Note[]>();
  for await (const { key, ...note } of shards.list()) once(notes, key, () => []).push(note);
  for (const [name, those] of notes) if (!keys.has(name)) debris.push({ name, notes: those });
  const sizeOf = (digest: Digest) => sizes.get(digest) ?? 0;
  const whole = entries.map((entry) => ({ ...entry, bytes: entry.own + sum(entry.digests.map(sizeOf)) }));
  return { entries: whole, debris, notes, uses, sizes, bytes };
}

/** Which records are garbage. */
function choose(
  { entries, debris, notes, uses, sizes, bytes }: Survey,
  { keep, olderThanMs = -Infinity, maxBytes = -Infinity }: Garbage,
  { now, pinned, held }: { now: number; pinned: ReadonlySet<Digest>; held: Held },
): { chosen: Victim[]; stayed: { pinned: number; held: number } } {
  const stayed = { pinned: 0, held: 0 };
  const chosen: Victim[] = [];
  if (!keep && olderThanMs === -Infinity && maxBytes === -Infinity) return { chosen, stayed };
  const left = new Map(uses);
  let ahead = bytes - sum(debris.map(({ name }) => (name === undefined ? 0 : (sizes.get(name) ?? 0))));
  const mayGo = entries
    .filter(({ key, sinceMs }) => !keep?.has(key) && now - sinceMs > olderThanMs)
    .sort((a, b) => a.seconds / a.bytes - b.seconds / b.bytes || a.sinceMs - b.sinceMs);
  for (const entry of mayGo) {
    if (ahead <= maxBytes) break;
    const { key, path, own, digests } = entry;
    const victim: Victim = { path, name: key, entry, notes: notes.get(key) ?? [] };
    if (pinned.has(key)) stayed.pinned++;
    else if (isAnyHeld(victim, [held])) stayed.held++;
    else {
      chosen.push(victim);
      ahead -= own;
      for (const digest of digests) {
        left.set(digest, left.get(digest)! - 1);
        if (left.get(digest) === 0 && !held.has(digest)) ahead -= sizes.get(digest) ?? 0;
      }
    }
  }
  return { chosen, stayed };
}

/** Removes victims, and counts what went. */
function removal(
  { disk, records, blobs }: Parts,
  { uses, bytes }: Survey,
  isNobodys: (stamp: Stamp) => boolean,
  dryRun: boolean,
) {
  const counts = { files: 0, bytes: 0, left: bytes, held: 0 };
  const entries: Removed[] = [];
  /** The bytes that went; undefined where it stays. */
  const file = async (path: string): Promise<number | undefined> => {
    const stamp = await disk.stamp(path);
    if (!stamp || !isNobodys(stamp)) return undefined;
    if (!dryRun) await disk.remove(path);
    const size = stamp.isFolder ? 0 : stamp.size;
    counts.files++;
    counts.bytes += size;
    return size;
  };
  const take = async (victim: Victim, held: readonly Held[]): Promise<void> => {
    const { path, name, entry, notes = [] } = victim;
    if (isAnyHeld(victim, held)) {
      if (entry) counts.held++;
      return;
    }
    // there may be a record again
    if (path === undefined && (await disk.stamp(records.path(name!)))) return;
    const size = path === undefined ? 0 : await file(path);
    if (size === undefined) return;
    for (const note of notes) await file(note.path);
    // what is no entry is not among the bytes of the store, but for files that no record has
    if (entry || (name !== undefined && path === blobs.path(name))) counts.left -= size;
    if (!entry) return;
    let freed = size;
    for (const digest of entry.digests) {
      uses.set(digest, uses.get(digest)! - 1);
      if (uses.get(digest) === 0 && !isHeld(digest, held)) freed += (await file(blobs.path(digest))) ?? 0;
    }
    counts.left -= freed - size;
    const { key, kind, seconds } = entry;
    entries.push({ key, kind, seconds, bytes: freed });
  };
  return { take, file, entries, counts };
}

const isHeld = (digest: Digest, held: readonly Held[]) => held.some((one) => one.has(digest));

/** Whether a victim is held, or the family of shards that it is of: who cuts along what is there counts on all of it. */
const isAnyHeld = ({ name, notes = [] }: Victim, held: readonly Held[]): boolean =>
  (name !== undefined && isHeld(name, held)) || notes.some(({ family }) => isHeld(family, held));

const turnOf = (dir: string) => join(dir, 'leases', 'gc');

/** The right to remove something, alone; and when it was got, by the clock of the disk. @throws TaskgraphError E_STORE_BUSY */
export async function takeTurn(
  dir: string,
  { disk, takeLease }: Pick<Parts, 'disk' | 'takeLease'>,
): Promise<{ readonly lease: Lease; readonly now: number }> {
  await disk.folder(join(dir, 'leases'));
  const lease = await takeLease(turnOf(dir));
  if ('holder' in lease)
    throw new TaskgraphError(
      'E_STORE_BUSY',
      `${lease.holder ?? 'another process'} is removing something from the store ${dir}, and one does so at a time: try again when it has ended.`,
      { evidence: { dir, holder: lease.holder } },
    );
  return { lease, now: (await disk.stamp(turnOf(dir)))?.changedMs ?? 0 };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** Every record with what it costs. */
export async function* entriesOf({ disk, records, blobs }: Parts): AsyncIterable<StoreEntry> {
  for await (const { path, record } of records.list()) {
    const stamp = record && (await disk.stamp(path));
    if (!stamp) continue;
    const outputs = new Map(Object.values(record.outputs).map((output) => [output.digest, output]));
    const files: Output[] = [];
    for (const output of outputs.values()) if (await blobs.has(output)) files.push(output);
    const isWhole = files.length === outputs.size;
    yield { record, recordBytes: stamp.size, files, sinceMs: stamp.changedMs, isWhole };
  }
}
