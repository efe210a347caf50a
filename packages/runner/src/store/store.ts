import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Device } from '@fewstep/models';
import { codeOf, RunnerError } from '../errors.js';
import type { Json } from '../json.js';
import type { SeedRange } from '../spec/seeds.js';
import { type Digest, digestOfFile, digestOfPath, digestOfText } from './digest.js';
import { isAlive, type Lease, takeLease } from './lease.js';

/** A file that a task gave, as the store's second level knows it. */
export interface Output {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** What a task's result depends on; its canonical JSON, hashed, is the task's key. */
export interface KeyComponents {
  readonly kind: string;
  readonly params: Json;
  readonly inputs: Readonly<Record<string, readonly Digest[]>>;
  /** Versions of the packages that implement the kind, and the revision of the task itself. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The first level of the store: which outputs a key has, and how they came to be. */
export interface ActionRecord {
  readonly key: Digest;
  readonly components: KeyComponents;
  readonly outputs: Readonly<Record<string, Output>>;
  /** Small facts that the task counted (NFE, images); not part of any key. */
  readonly meta: Readonly<Record<string, Json>>;
  readonly provenance: {
    readonly host: string;
    readonly node: string;
    /** What evaluated networks, where it did; in no key, since results are the same within float32 noise. */
    readonly device: Device;
    readonly startedAt: string;
    readonly seconds: number;
  };
}

/** What the store has kept for a key: the first result that was published. */
export interface Published {
  readonly record: ActionRecord;
  /** Another result for the same key, which was kept out: the task is not deterministic. */
  readonly conflict?: Readonly<Record<string, Output>>;
}

/**
 * The two-level store: action records by key, blobs by content.
 *
 * A crash at any moment leaves a whole artifact or none: blobs and records are written aside, synced, then renamed.
 * The first read of a blob in a process verifies its digest.
 */
export interface Store {
  readonly dir: string;
  /** The record of a key, if its blobs are all there at their full size. */
  lookup(key: Digest): Promise<ActionRecord | undefined>;
  /** Every record there is. */
  records(): AsyncIterable<ActionRecord>;
  /** The verified path of a blob; undefined when it is missing or damaged. */
  blob(output: Output): Promise<string | undefined>;
  /** Where a blob is kept, whether or not it is there. */
  pathOf(output: Output): string;
  /** Forgets a record whose blobs are lost, so that its task runs again. */
  forget(key: Digest): Promise<void>;
  /** A fresh folder in which a task writes its outputs. */
  scratch(): Promise<string>;
  /** Takes `files` (output name → path in a scratch folder) into the store and records them under the key of `components`. */
  publish(entry: {
    key: Digest;
    components: KeyComponents;
    files: Readonly<Record<string, string>>;
    meta: Readonly<Record<string, Json>>;
    startedAt: Date;
    device: Device;
  }): Promise<Published>;
  /** The ranges of seeds that finished shards of this family cover. */
  shards(family: Digest): readonly SeedRange[];
  noteShard(family: Digest, range: SeedRange): Promise<void>;
  /** Digest of a file or folder outside the store; remembered while size and time of change stay. */
  fileDigest(path: string): Promise<Digest>;
  /** Tries to become the one that computes a key; undefined while another live process does. */
  lease(key: Digest): Promise<Lease | undefined>;
}

/**
 * Opens the store, creating it where there is none.
 *
 * @throws RunnerError E_STORE_ACCESS where it cannot be created or written, E_STORE_FULL when the disk is full.
 */
export async function openStore(path: string): Promise<Store> {
  const dir = resolve(path);
  const tmp = join(dir, 'tmp');
  const recordPath = (key: Digest) => join(dir, 'records', key.slice(0, 2), `${key}.json`);
  const blobPath = (digest: Digest) => join(dir, 'blobs', digest.slice(0, 2), digest);
  const aside = () => join(tmp, `${process.pid}@${hostname()}-${randomBytes(6).toString('hex')}`);
  /** Blobs that were looked at in this process, each once: whether they are what their name says. */
  const verified = new Map<Digest, Promise<boolean>>();

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, dir);
    }
  };

  const readRecord = async (path: string): Promise<ActionRecord | undefined> => {
    try {
      const record = JSON.parse(await readFile(path, 'utf8'));
      return isRecord(record) ? record : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  };

  /** Writes aside and syncs; returns where. */
  const writeAside = async (text: string): Promise<string> => {
    const path = aside();
    try {
      await writeFile(path, text, { flush: true });
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return path;
  };

  await guarded(async () => {
    await mkdir(tmp, { recursive: true });
    await sweep(tmp);
  });

  return {
    dir,

    lookup: (key) =>
      guarded(async () => {
        const record = await readRecord(recordPath(key));
        if (record?.key !== key) return undefined;
        for (const { digest, size } of Object.values(record.outputs)) {
          const found = await stat(blobPath(digest)).catch(() => undefined);
          if (found?.size !== size) return undefined;
        }
        return record;
      }),

    async *records() {
      const root = join(dir, 'records');
      for (const prefix of existsSync(root) ? await readdir(root) : []) {
        for (const name of await readdir(join(root, prefix))) {
          const record = await readRecord(join(root, prefix, name));
          if (record) yield record;
        }
      }
    },

    blob: ({ digest }) =>
      guarded(async () => {
        const path = blobPath(digest);
        const verification = verified.get(digest) ?? verify(path, digest);
        verified.set(digest, verification);
        let sound = false;
        try {
          sound = await verification;
        } finally {
          // What is damaged or can't be read now may be mended: only what is sound is remembered.
          if (!sound && verified.get(digest) === verification) verified.delete(digest);
        }
        return sound ? path : undefined;
      }),

    pathOf: ({ digest }) => blobPath(digest),

    forget: (key) => guarded(() => rm(recordPath(key), { force: true })),

    scratch: () =>
      guarded(async () => {
        const path = aside();
        await mkdir(path);
        return path;
      }),

    publish: ({ key, components, files, meta, startedAt, device }) =>
      guarded(async () => {
        const outputs: Record<string, Output> = {};
        for (const [name, file] of Object.entries(files)) {
          const digest = await digestOfFile(file);
          const { size } = await stat(file);
          await sync(file);
          await chmod(file, 0o444);
          await mkdir(dirname(blobPath(digest)), { recursive: true });
          await rename(file, blobPath(digest));
          await sync(dirname(blobPath(digest)));
          verified.set(digest, Promise.resolve(true));
          outputs[name] = { digest, size };
        }
        const record: ActionRecord = {
          key,
          components,
          outputs,
          meta,
          provenance: {
            host: hostname(),
            node: process.version,
            device,
            startedAt: startedAt.toISOString(),
            seconds: (Date.now() - startedAt.getTime()) / 1000,
          },
        };
        const path = recordPath(key);
        await mkdir(dirname(path), { recursive: true });
        const written = await writeAside(`${JSON.stringify(record, null, 1)}\n`);
        try {
          await link(written, path);
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
          const first = await readRecord(path);
          if (first)
            return sameOutputs(first.outputs, outputs)
              ? { record: first }
              : { record: first, conflict: outputs };
          await rename(written, path); // what stood there was no record
        } finally {
          await rm(written, { force: true });
        }
        await sync(dirname(path));
        return { record };
      }),

    shards(family) {
      const folder = join(dir, 'shards', family);
      if (!existsSync(folder)) return [];
      return readdirSync(folder)
        .map((name) => /^(\d+)-(\d+)$/.exec(name))
        .filter((match) => match !== null)
        .map((match) => [Number(match[1]), Number(match[2])] as const);
    },

    noteShard: (family, [first, last]) =>
      guarded(async () => {
        const folder = join(dir, 'shards', family);
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${first}-${last}`), '');
      }),

    async fileDigest(path) {
      const note = join(dir, 'files', `${digestOfText(path)}.json`);
      const known = await readFile(note, 'utf8').then(JSON.parse, () => undefined);
      try {
        const found = await stat(path);
        const { size, mtimeMs, ino } = found;
        const seen = { path, size, mtimeMs, ino };
        if (known && Object.entries(seen).every(([name, value]) => known[name] === value))
          return known.digest;
        const digest = await digestOfPath(path);
        // A folder's own time tells nothing of its files'; a file changed this instant may change again unseen.
        if (!found.isDirectory() && Date.now() - mtimeMs > 2_000) {
          // Without the note the file is read again next time, and nothing is lost: a full or read-only store may do.
          await mkdir(dirname(note), { recursive: true })
            .then(async () => rename(await writeAside(JSON.stringify({ ...seen, digest })), note))
            .catch(() => {});
        }
        return digest;
      } catch (error) {
        throw new RunnerError(
          'E_FILE',
          `${path} can't be read (${codeOf(error) ?? error}): it must be there, and stay as it is until the run ends.`,
          { exitCode: 1, cause: error, evidence: { path } },
        );
      }
    },

    lease: (key) => guarded(() => takeLease(join(dir, 'leases'), key, writeAside)),
  };
}

function isRecord(value: unknown): value is ActionRecord {
  const record = value as ActionRecord | null;
  return (
    typeof record === 'object' &&
    typeof record?.key === 'string' &&
    typeof record.components?.kind === 'string' &&
    typeof record.outputs === 'object' &&
    Object.values(record.outputs).every(
      (output) => /^[0-9a-f]{64}$/.test(output?.digest) && Number.isSafeInteger(output.size),
    )
  );
}

function sameOutputs(a: ActionRecord['outputs'], b: ActionRecord['outputs']): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name]?.digest === b[name]?.digest);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a file is what its name says; a false one is removed. */
async function verify(path: string, digest: Digest): Promise<boolean> {
  if (!existsSync(path)) return false;
  if ((await digestOfFile(path)) === digest) return true;
  await rm(path, { force: true });
  return false;
}

/** Removes what processes of this machine that are gone left behind; of another machine's it can't know. */
async function sweep(tmp: string): Promise<void> {
  for (const name of await readdir(tmp)) {
    const [, pid, host] = /^(\d+)@(.*)-[0-9a-f]+$/.exec(name) ?? [];
    if (host === hostname() && !isAlive(Number(pid)))
      await rm(join(tmp, name), { recursive: true, force: true });
  }
}

/** The error of a full disk in our words; undefined for any other error. */
export function fullDisk(error: unknown, dir: string): RunnerError | undefined {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return new RunnerError(
    'E_STORE_FULL',
    `the disk of the store ${dir} is full; what was finished is kept, nothing half-written is. Free space, or name another place with --store or FEWSTEP_STORE.`,
    { exitCode: 1, cause: error, evidence: { dir } },
  );
}

function storeError(error: unknown, dir: string): unknown {
  const code = codeOf(error);
  // Making a folder with its parents says ENOENT on a read-only disk.
  const unmade = code === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'mkdir';
  if (unmade || ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code ?? '')) {
    return new RunnerError(
      'E_STORE_ACCESS',
      `the store ${dir} can't be written (${code}). Mend its permissions, or name another place with --store or FEWSTEP_STORE.`,
      { exitCode: 2, cause: error, evidence: { dir } },
    );
  }
  return fullDisk(error, dir) ?? error;
}
