import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { type Digest, digestOfText } from '../digest.js';
import { codeOf, TaskgraphError } from '../errors.js';
import { canonicalJson, type Json, mapText } from '../json.js';
import type { KeyComponents } from '../key.js';
import type { OutputNames, Range } from '../kind.js';
import { withoutSecrets } from '../secrets.js';
import { blobs } from './blobs.js';
import { everyFile, type FilesOf, fileNotes, type OutsideFile } from './file-notes.js';
import { collectGarbage, type Garbage } from './garbage.js';
import { type Held, type Lease, leases } from './lease.js';
import type { Disk, Identity, Machine } from './machine.js';
import { nodeMachine } from './node-machine.js';
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
  /** Removes what nothing points to. */
  collectGarbage(keepMs?: number): Promise<Garbage>;
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
  };
  const takeLease = leases(on);
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
      await disk.place(join(dir, 'format.json'), `${JSON.stringify({ format })}\n`);
      await sweep(on, tmp);
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

  const keep = async (files: Entry['files'], names: OutputNames): Promise<Outputs> => {
    for (const [name, presence] of Object.entries(names))
      if (presence === 'file' || files[name] !== undefined) await checkOutput(disk, name, files[name]);
    const outputs: Record<string, Output> = {};
    for (const [name, file] of Object.entries(files))
      outputs[name] = typeof file === 'string' ? await all.blobs.take(file) : file;
    return outputs;
  };

  const scratch = async (): Promise<string> => {
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
        const outputs = await keep(files, names);
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
          await all.blobs.take(file);
          return true;
        } finally {
          await disk.remove(dir);
        }
      }),
    adopt: (record) =>
      writing(async () => {
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
    collectGarbage: (keepMs) => writing(() => collectGarbage(dir, { disk, ...all }, keepMs)),
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

/** Names a process in the name of a folder: its pid and start, and what these are of. */
function ownerName({ pid, start, boot, namespace }: Identity): string {
  return `${pid}.${start}.${digestOfText(`${boot} ${namespace}`).slice(0, 16)}`;
}

/** Removes what processes of this system that are gone left behind; of any other's it can't know. */
async function sweep({ disk, self, isAlive }: Machine, tmp: string): Promise<void> {
  const ours = ownerName(self).split('.').at(-1);
  for (const name of await disk.names(tmp)) {
    const [, pid, start, system] = /^(\d+)\.(\d*)\.([0-9a-f]{16})\.[0-9a-f-]+$/.exec(name) ?? [];
    if (start === undefined || system !== ours) continue;
    if ((await isAlive({ ...self, pid: Number(pid), start })) === false)
      await disk.remove(join(tmp, name)).catch(() => {}); // whoever may remove it will
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
