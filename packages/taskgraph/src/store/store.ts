import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Digest } from '../digest.js';
import { codeOf, TaskgraphError } from '../errors.js';
import { canonicalJson, type Json, mapText } from '../json.js';
import type { KeyComponents } from '../key.js';
import type { OutputNames, Range } from '../kind.js';
import { withoutSecrets } from '../secrets.js';
import { blobs } from './blobs.js';
import { everyFile, type FilesOf, fileNotes, type OutsideFile } from './file-notes.js';
import { type Collected, collectGarbage, entriesOf, type Garbage, type StoreEntry } from './garbage.js';
import { holds, ownerName } from './holds.js';
import { type Held, type Lease, leases } from './lease.js';
import type { Disk, Machine } from './machine.js';
import { nodeMachine } from './node-machine.js';
import { type Pin, pins } from './pins.js';
import {
  type ActionRecord,
  hasOutputs,
  type Output,
  type Outputs,
  type Provenance,
  sameOutputs,
} from './record.js';
import { records } from './records.js';
import { shardNotes } from './shard-notes.js';
import { type Verified, type VerifyOptions, verify } from './verify.js';

/** A record, and where it was found. */
export interface Found {
  readonly record: ActionRecord;
  readonly source: 'local' | 'remote';
}

/** What a task gave, to be kept. */
export interface Entry {
  readonly key: Digest;
  readonly components: KeyComponents;
  /** Output name → path in a scratch folder, from where the file is moved, or what the file is that is kept already. */
  readonly files: Readonly<Record<string, string | Output>>;
  /** The outputs that the kind promises. */
  readonly outputs: OutputNames;
  readonly meta: ActionRecord['meta'];
  readonly startedAt: Date;
  readonly device: Json;
  /** Where and when, if that is not this process. */
  readonly by?: Omit<Provenance, 'device'> | undefined;
}

/** What the store has for a key now. */
export interface Published {
  readonly record: ActionRecord;
  /** Another result for the same key from the same kind of device, which was kept out: the task is not deterministic. */
  readonly conflict?: Outputs;
}

/**
 * The two-level store: action records by key, files by content. Every method may go to another machine.
 *
 * A crash at any moment leaves a whole artifact or none. What lies in it and is no valid entry for its name is no entry, and
 * the next one that is written takes its place.
 *
 * @throws TaskgraphError, all methods: E_STORE_ACCESS where it can't be used, E_STORE_FULL, E_STORE_FORMAT
 */
export interface Store {
  readonly dir: string;
  /** The record of a key, if it has these outputs and their files are all there at their full size. */
  lookup(key: Digest, outputs: OutputNames): Promise<Found | undefined>;
  /** A local file that was compared with its digest since it changed last; undefined when it is missing or damaged. */
  blob(output: Output): Promise<string | undefined>;
  /** Keeps files that a task gave, by their content, without a record that promises them. @throws E_TASK_OUTPUT */
  keep(files: Entry['files'], outputs: OutputNames): Promise<Outputs>;
  /** Keeps what a task gave. The first result of a key stays, if its files do. */
  publish(entry: Entry): Promise<Published>;
  /** The bytes of a file as they are; whoever gets them compares them with its digest. */
  content(output: Output): AsyncIterable<Uint8Array>;
  /** Takes a file from elsewhere, if it is what it is said to be; says whether it is. */
  receive(output: Output, content: AsyncIterable<Uint8Array>): Promise<boolean>;
  /** Keeps a record from elsewhere. It is found when its files are here. */
  adopt(record: ActionRecord): Promise<void>;
  /** A fresh folder on the store's disk, for a task to write in. */
  scratch(): Promise<string>;
  /** Removes such a folder. */
  discard(scratch: string): Promise<void>;
  /** The ranges of items of a family's finished shards. */
  shards(family: Digest): Promise<readonly Range[]>;
  /** The families that have any. */
  families(): Promise<readonly Digest[]>;
  /** The key of the record of one of them. */
  shardKey(family: Digest, range: Range): Promise<Digest | undefined>;
  noteShard(family: Digest, range: Range, key: Digest): Promise<void>;
  /** What a file or folder from outside is now, hashed again only where it was touched. @throws E_FILE, E_INPUT_CHANGED */
  look(path: string, as?: string): Promise<OutsideFile>;
  /** Whether it was not touched since. */
  isAsSeen(file: OutsideFile): Promise<boolean>;
  /** Tries to become the one that computes a key. */
  lease(key: Digest): Promise<Lease | Held>;
  /** Every record there is. */
  records(): AsyncIterable<ActionRecord>;
  /** Where a file is kept, whether or not it is there. */
  pathOf(output: Output): string;
  /**
   * Keeps records of these keys or of these families of shards, and files of these digests, from being collected, until `release` or the end of
   * this process: to be called before it is looked for. What is published, adopted or received here is held as well. Where a
   * store can't be written nothing is held, and what is collected is computed again.
   */
  hold(digests: Iterable<Digest>): Promise<void>;
  /** Ends what this process holds. */
  release(): Promise<void>;
  /** Every record with what it costs. */
  entries(): AsyncIterable<StoreEntry>;
  /** Removes what nobody needs, beside whoever uses the store. @throws TaskgraphError E_STORE_BUSY */
  collectGarbage(garbage?: Garbage): Promise<Collected>;
  /** Reads all files and records there are. @throws TaskgraphError E_STORE_BUSY where it is to repair */
  verify(options?: VerifyOptions): Promise<Verified>;
  pins(): Promise<readonly Pin[]>;
  /** Keeps records from being collected; over a pin of the same name. @throws TaskgraphError E_PIN */
  pin(pin: Pin): Promise<void>;
  /** Says whether there was a pin of that name. */
  unpin(name: string): Promise<boolean>;
}

/** 1: before there were formats. 2: records have a digest of themselves, notes of files their stamps, leases the boot. */
const format = 2;

export interface StoreOptions {
  /** Which files stand for one from outside; by default a folder's files without what systems leave in them. */
  readonly filesOf?: FilesOf;
  /** Which records may be found. The next result takes the place of one that may not. */
  readonly accepts?: (record: ActionRecord) => boolean;
  readonly machine?: Machine;
}

/** A store in a folder, which is made when something is written first. @throws TaskgraphError E_STORE_FORMAT */
export async function openStore(
  path: string,
  { filesOf = everyFile, accepts = () => true, machine }: StoreOptions = {},
): Promise<Store & { readonly isNew: boolean }> {
  const dir = resolve(path);
  const on = machine ?? (await nodeMachine());
  const { disk, self } = on;
  const all = {
    records: records(disk, join(dir, 'records')),
    blobs: blobs(disk, join(dir, 'blobs')),
    shards: shardNotes(disk, join(dir, 'shards')),
    files: fileNotes(on, join(dir, 'files'), filesOf),
    pins: pins(disk, join(dir, 'pins')),
    holds: holds(on, join(dir, 'holds'), () => prepare()),
  };
  const takeLease = leases(on);
  const parts = { disk, takeLease, ...all };
  const tmp = join(dir, 'tmp');

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, dir);
    }
  };

  const isNew = await guarded(async () => {
    if ((await disk.stamp(dir))?.isFolder === false)
      throw Object.assign(new Error('ENOTDIR: it is a file'), { code: 'ENOTDIR' });
    await checkFormat(await disk.read(join(dir, 'format.json')), dir);
    return (await disk.names(dir)).length === 0;
  });

  let made: Promise<void> | undefined;
  /** Before anything is written: a store that is only read may be on a read-only disk. */
  const prepare = async (): Promise<void> => {
    made ??= (async () => {
      await disk.folder(tmp);
      const formatFile = join(dir, 'format.json');
      if (!(await disk.stamp(formatFile))) await disk.place(formatFile, `${JSON.stringify({ format })}\n`);
      for (const folder of [tmp, join(dir, 'holds')]) await sweep(on, folder);
    })();
    try {
      await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
  const writing = <T>(work: () => Promise<T>): Promise<T> => guarded(() => prepare().then(work));

  const valid = async (key: Digest, outputs: OutputNames): Promise<ActionRecord | undefined> => {
    const record = await all.records.read(key);
    return record && hasOutputs(record, outputs) && accepts(record) && (await isWhole(record))
      ? record
      : undefined;
  };
  const isWhole = async ({ outputs }: ActionRecord): Promise<boolean> => {
    for (const output of Object.values(outputs)) if (!(await all.blobs.has(output))) return false;
    return true;
  };

  const hold = (digests: Iterable<Digest>): Promise<void> => all.holds.hold(digests).catch(() => {}); // nothing is lost that can't be computed again

  const keep = async (files: Entry['files'], names: OutputNames, key?: Digest): Promise<Outputs> => {
    for (const [name, presence] of Object.entries(names))
      if (presence === 'file' || files[name] !== undefined) await checkOutput(disk, name, files[name]);
    const holdWith = (digest: Digest) => hold(key === undefined ? [digest] : [key, digest]);
    const outputs: Record<string, Output> = {};
    for (const [name, file] of Object.entries(files)) {
      if (typeof file !== 'string') await holdWith(file.digest);
      outputs[name] = typeof file === 'string' ? await all.blobs.take(file, holdWith) : file;
    }
    return outputs;
  };

  const scratch = async (): Promise<string> => {
    await hold([]);
    const path = join(tmp, `${ownerName(self)}.${randomUUID()}`);
    await disk.folder(path);
    return path;
  };

  return {
    dir,
    isNew,
    lookup: (key, outputs) =>
      guarded(async () => {
        const record = await valid(key, outputs);
        return record && { record, source: 'local' };
      }),
    blob: ({ digest }) => guarded(() => all.blobs.sound(digest)),
    pathOf: ({ digest }) => all.blobs.path(digest),
    keep: (files, names) => writing(() => keep(files, names)),
    publish: ({ key, components, files, outputs: names, meta, startedAt, device: given, by }) =>
      writing(async () => {
        const outputs = await keep(files, names, key);
        const device = mapText(given, withoutSecrets);
        const record: ActionRecord = {
          key,
          components,
          outputs,
          meta,
          provenance: {
            host: self.host,
            node: process.version,
            device,
            startedAt: startedAt.toISOString(),
            seconds: (Date.now() - startedAt.getTime()) / 1000,
            ...by,
          },
        };
        if (await all.records.place(record)) return { record };
        const first = await valid(key, names);
        if (!first) {
          await all.records.replace(record);
          return { record };
        }
        const differs =
          !sameOutputs(first.outputs, outputs) &&
          canonicalJson(first.provenance.device) === canonicalJson(device);
        return { record: first, ...(differs && { conflict: outputs }) };
      }),
    content: (output) => disk.content(all.blobs.path(output.digest)),
    receive: (output, content) =>
      writing(async () => {
        const dir = await scratch();
        try {
          const file = join(dir, 'received');
          await disk.write(file, upTo(output.size, content));
          if ((await disk.hash(file))?.digest !== output.digest) return false;
          await all.blobs.take(file, (digest) => hold([digest]));
          return true;
        } finally {
          await disk.remove(dir);
        }
      }),
    adopt: (record) =>
      writing(async () => {
        await hold([record.key, ...Object.values(record.outputs).map(({ digest }) => digest)]);
        if (await all.records.place(record)) return;
        const first = await all.records.read(record.key);
        if (!first || !accepts(first) || !(await isWhole(first))) await all.records.replace(record);
      }),
    scratch: () => writing(scratch),
    discard: (scratch) => guarded(() => disk.remove(scratch)),
    shards: (family) => guarded(() => all.shards.of(family)),
    families: () => guarded(all.shards.families),
    shardKey: (family, range) => guarded(() => all.shards.keyOf(family, range)),
    noteShard: (family, range, key) => writing(() => all.shards.note(family, range, key)),
    look: all.files.look,
    isAsSeen: all.files.isAsSeen,
    lease: (key) =>
      writing(async () => {
        await disk.folder(join(dir, 'leases'));
        return takeLease(join(dir, 'leases', key));
      }),
    async *records() {
      for await (const { record } of all.records.list()) if (record) yield record;
    },
    hold,
    release: () => guarded(all.holds.release),
    entries: () => entriesOf(parts),
    collectGarbage: (garbage) =>
      (garbage?.dryRun ? guarded : writing)(() => collectGarbage(dir, parts, garbage)),
    verify: (options) => (options?.repair ? writing : guarded)(() => verify(dir, parts, options)),
    pins: () => guarded(all.pins.list),
    pin: (pin) =>
      writing(async () => {
        // whoever collects now sees this, and later the pin
        await all.holds.hold(pin.keys);
        await all.pins.put(pin);
      }),
    unpin: (name) => writing(() => all.pins.remove(name)),
  };
}

/** What is longer than it should be is cut: it is not what it is said to be, and may have no end. */
async function* upTo(size: number, content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = size;
  for await (const bytes of content) {
    if (bytes.length > left) return;
    left -= bytes.length;
    yield bytes;
  }
}

/** A file counts when it is there and holds something. */
async function checkOutput(disk: Disk, name: string, file: string | Output | undefined): Promise<void> {
  if (typeof file === 'object' && file.size > 0) return; // whoever kept it has looked
  const stamp = typeof file === 'string' ? await disk.stamp(file) : undefined;
  if (stamp && !stamp.isFolder && stamp.size > 0) return;
  throw new TaskgraphError(
    'E_TASK_OUTPUT',
    `its output "${name}" is ${stamp && !stamp.isFolder ? 'empty' : 'missing'}: nothing is kept of it`,
    { evidence: { output: name } },
  );
}

/** Removes what processes of this system that are gone left behind; of any other's it can't know. */
async function sweep({ disk, self, isAlive }: Machine, folder: string): Promise<void> {
  const ours = ownerName(self).split('.').at(-1);
  for (const name of await disk.names(folder)) {
    const [, pid, start, system] = /^(\d+)\.(\d*)\.([0-9a-f]{16})\.[0-9a-f-]+$/.exec(name) ?? [];
    if (start === undefined || system !== ours) continue;
    if ((await isAlive({ ...self, pid: Number(pid), start })) === false)
      await disk.remove(join(folder, name)).catch(() => {}); // whoever may remove it will
  }
}

async function checkFormat(bytes: Uint8Array | undefined, dir: string): Promise<void> {
  let found: unknown = format;
  try {
    if (bytes) found = JSON.parse(new TextDecoder().decode(bytes)).format;
  } catch {
    return; // cut off, or somebody else's: nothing that says it is newer
  }
  if (typeof found === 'number' && found > format)
    throw new TaskgraphError(
      'E_STORE_FORMAT',
      `the store ${dir} is of format ${found}, and this version reads up to ${format}: take a newer version, or name another place for the store.`,
      { exitCode: 2, evidence: { dir, found, format } },
    );
}

/** The error of a full disk in our words; undefined for any other error. */
export function fullDisk(error: unknown, dir: string): TaskgraphError | undefined {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return new TaskgraphError(
    'E_STORE_FULL',
    `the disk of the store ${dir} is full (${code}: space, files or quota); what was finished is kept, nothing half-written is. Free some, or name another place for the store.`,
    { exitCode: 1, cause: error, evidence: { dir } },
  );
}

function storeError(error: unknown, dir: string): unknown {
  const code = codeOf(error);
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP'].includes(code ?? '')) {
    return new TaskgraphError(
      'E_STORE_ACCESS',
      `the store ${dir} can't be used (${(error as Error).message}). Mend that, or name another place for the store.`,
      { exitCode: 2, cause: error, evidence: { dir } },
    );
  }
  return fullDisk(error, dir) ?? error;
}
