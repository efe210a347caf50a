import { createHash, hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import {
  chmod,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, TaskgraphError } from '../errors.js';
import { limit } from '../limit.js';
import type { Disk, Hashed, Identity, Machine, Stamp } from './machine.js';

/** Files that are open at once, of the 1,024 that a process usually may have. */
const openFiles = 48;
const bufferBytes = 1 << 20;
/** What is read in one piece. */
const smallBytes = 1n << 16n;
const triesWhileItChanges = 3;

/** The machine that this process runs on. */
export async function nodeMachine(): Promise<Machine> {
  const self = await identity();
  return {
    disk: nodeDisk(),
    clock: {
      now: () => performance.now(),
      sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
      every(ms, beat) {
        const timer = setInterval(beat, ms);
        timer.unref();
        return () => clearInterval(timer);
      },
    },
    self,
    atEnd,
    isAlive: (other) => isAlive(other, self),
  };
}

const lastWorks = new Set<() => Promise<void>>();
function atEnd(work: () => Promise<void>): void {
  if (lastWorks.size === 0)
    process.once('beforeExit', () => {
      // what can't be done any more is as if this process had been killed
      for (const last of lastWorks) void last().catch(() => {});
      lastWorks.clear();
    });
  lastWorks.add(work);
}

/** A pipe waits for who writes into it, and a device may never end: only files and folders are looked into. */
function checkKind(found: BigStats, path: string): void {
  if (found.isFile() || found.isDirectory()) return;
  const kind = found.isFIFO() ? 'pipe' : found.isSocket() ? 'socket' : 'device';
  throw new TaskgraphError('E_FILE', `${path} is a ${kind}, and a file or folder is needed.`, {
    evidence: { path, found: kind },
  });
}

type BigStats = Awaited<ReturnType<typeof bigStat>>;
const bigStat = (path: string) => stat(path, { bigint: true });

const stampOf = (found: BigStats): Stamp => ({
  size: Number(found.size),
  isFolder: found.isDirectory(),
  changedMs: Math.max(Number(found.mtimeMs), Number(found.ctimeMs)),
  id: [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':'),
});

/** For `catch`: what an error of these codes comes to. Any other is thrown on. */
const on =
  <T>(codes: readonly string[], value: T) =>
  (error: unknown): T => {
    if (codes.includes(codeOf(error) ?? '')) return value;
    throw error;
  };
const orUndefined = on(['ENOENT', 'ENOTDIR', 'EISDIR'], undefined);

/** Codes of a folder that stands where a file is to be. */
const inTheWay = ['EISDIR', 'ENOTEMPTY', 'EEXIST'];

/** Codes of file systems that have no hard links, or none between these places. */
const noLink = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EINVAL'];

/** Codes of network shares that sync no folders; what is renamed on them is there. */
const noSync = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EBADF', 'EPERM'];

/** Where a file lies until it is whole: beside its place, so on the same file system. */
const asideOf = (path: string) => `${path}.${process.pid}-${randomBytes(6).toString('hex')}.part`;

function nodeDisk(): Disk {
  const withFile = limit(openFiles);

  // What is small is asked at once: a way through the pool of threads costs ten times what it brings.
  const atOnce = <T>(ask: () => T): T | undefined => {
    try {
      return ask();
    } catch (error) {
      return orUndefined(error);
    }
  };

  /** Writes a text aside and has it put in its place; leaves nothing aside. */
  const written = async <T>(
    path: string,
    text: string,
    put: (aside: string) => Promise<T>,
    flush = true,
  ): Promise<T> => {
    const aside = asideOf(path);
    try {
      await writeFile(aside, text, { flush });
      return await put(aside);
    } finally {
      await rm(aside, { force: true });
    }
  };

  /** Also where the one place is on another file system than the other. */
  const renamed = async (from: string, to: string): Promise<void> => {
    try {
      await rename(from, to);
    } catch (error) {
      if (inTheWay.includes(codeOf(error) ?? '')) {
        await rm(to, { recursive: true, force: true });
        return renamed(from, to);
      }
      if (codeOf(error) !== 'EXDEV') throw error;
      const beside = asideOf(to);
      try {
        await copyFile(from, beside, constants.COPYFILE_FICLONE);
        await sync(beside);
        await rename(beside, to);
        await rm(from, { force: true });
      } finally {
        await rm(beside, { force: true });
      }
    }
    await sync(dirname(to));
  };

  /** Puts what lies aside where nothing is, in one step; `otherwise` where the file system can't. Says whether it did. */
  const linked = async (aside: string, path: string, otherwise: () => Promise<boolean>): Promise<boolean> => {
    try {
      await link(aside, path);
      return true;
    } catch (error) {
      const code = codeOf(error) ?? '';
      if (code === 'EEXIST') return false;
      if (!noLink.includes(code)) throw error;
      return otherwise();
    }
  };
  const created = (path: string, text: string): Promise<boolean> =>
    writeFile(path, text, { flag: 'wx' }).then(() => true, on(['EEXIST'], false));

  return {
    read: async (path) => atOnce(() => readAtOnce(path)),
    stamp: async (path) =>
      atOnce(() => {
        const found = statSync(path, { bigint: true });
        checkKind(found, path);
        return stampOf(found);
      }),
    hash: async (path) =>
      hashedAtOnce(path) ?? (await withFile(() => opened(path, 'r', (file) => hashOf(file, path)))),
    content: (path) => createReadStream(path, { highWaterMark: bufferBytes }),
    write: (path, content) => withFile(() => pipeline(content, createWriteStream(path, { flags: 'wx' }))),
    names: async (path) => atOnce(() => readdirSync(path)) ?? [],
    folder,
    place: (path, text) =>
      withFile(() =>
        written(path, text, async (from) => {
          const isPlaced = await linked(from, path, async () => {
            if (await bigStat(path).catch(orUndefined)) return false;
            await renamed(from, path);
            return true;
          });
          if (isPlaced) await sync(dirname(path));
          return isPlaced;
        }),
      ),
    replace: (path, text) => withFile(() => written(path, text, (from) => renamed(from, path))),
    // whole, since one without its text is waited for until it has been silent for long; it need not outlive the system
    claim: (path, text) =>
      withFile(() => written(path, text, (from) => linked(from, path, () => created(path, text)), false)),
    // closed when it ends: that is when another machine sees it on a network share
    append: async (path, text) =>
      atOnce(() => {
        const file = openSync(path, constants.O_WRONLY | constants.O_APPEND);
        try {
          writeSync(file, text);
        } finally {
          closeSync(file);
        }
        return true;
      }) ?? false,
    move: (from, to) =>
      withFile(async () => {
        await chmod(from, 0o444);
        await sync(from);
        await renamed(from, to);
      }),
    touch: (path) =>
      withFile(() =>
        opened(path, 'r+', async (file) => {
          const { mtimeMs } = await file.stat();
          const seconds = Math.max(Date.now(), mtimeMs + 1) / 1000;
          await file.utimes(seconds, seconds);
        }),
      ),
    remove: (path) => rm(path, { recursive: true, force: true }),
  };
}

/** Of a pipe, whatever it may be there for, what is in it now. */
function readAtOnce(path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Undefined where there is no file. */
async function opened<T>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const file = await open(path, flags).catch(orUndefined);
  try {
    return file && (await use(file));
  } finally {
    await file?.close();
  }
}

/**
 * Not `recursive`, which tells of a full or read-only disk that there is no such folder, and where none can be made though
 * the one above is there, as in /proc, tries for ever (Node 20).
 */
async function folder(path: string, isAboveThere = false): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      if ((await stat(path)).isDirectory()) return;
    } else if (codeOf(error) === 'ENOENT' && dirname(path) !== path && !isAboveThere) {
      await folder(dirname(path));
      return folder(path, true);
    }
    throw error;
  }
}

/** Of a file that is small and stays as it is meanwhile; undefined of any other, and where there is none. */
function hashedAtOnce(path: string): Hashed | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const before = fstatSync(file, { bigint: true });
    if (!before.isFile() || before.size > smallBytes) return undefined;
    const digest = hash('sha256', readFileSync(file));
    const [stamp, after] = [stampOf(before), stampOf(fstatSync(file, { bigint: true }))];
    return stamp.id === after.id ? { digest, stamp } : undefined;
  } catch {
    return undefined; // whoever asks for it in the other way is told why
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function hashOf(file: FileHandle, path: string): Promise<Hashed | undefined> {
  const buffer = Buffer.allocUnsafe(bufferBytes);
  for (let tried = 0; tried < triesWhileItChanges; tried++) {
    const before = stampOf(await file.stat({ bigint: true }));
    if (before.isFolder) return undefined;
    const sum = createHash('sha256');
    let at = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, bufferBytes, at);
      if (bytesRead === 0) break;
      sum.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    const after = stampOf(await file.stat({ bigint: true }));
    if (after.id === before.id) return { digest: sum.digest('hex'), stamp: after };
  }
  throw new TaskgraphError(
    'E_INPUT_CHANGED',
    `${path} changes while it is read: it must stay as it is until the run ends.`,
    { evidence: { path } },
  );
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync().catch(on(noSync, undefined));
  } finally {
    await handle.close();
  }
}

/** Who this process is, as the kernel tells. */
async function identity(): Promise<Identity> {
  const host = hostname();
  const own = await readlink('/proc/self').catch(() => '');
  // a /proc of another namespace tells of other processes
  if (own !== String(process.pid)) return { pid: process.pid, start: '', boot: '', namespace: '', host };
  const [boot, namespace, status] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    processStatus(process.pid),
  ]);
  return { pid: process.pid, start: status?.start ?? '', boot: boot.trim(), namespace, host };
}

async function isAlive(other: Identity, self: Identity): Promise<boolean | undefined> {
  if (self.boot === '' || other.boot !== self.boot || other.namespace !== self.namespace) return undefined;
  const status = await processStatus(other.pid);
  return status !== undefined && status.start === other.start && !'ZX'.includes(status.state);
}

async function processStatus(pid: number): Promise<{ state: string; start: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // its name, in parentheses, may hold anything
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
}
