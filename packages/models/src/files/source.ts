import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { checkpointFault } from '../errors.js';

/** Bytes that are read piece by piece, so that a checkpoint is never in memory as a file and as weights. */
export interface Source {
  readonly length: number;
  /** Bytes `start` to `start + length`, which must lie inside. Aligned so that elements ending there need no copy. */
  read(start: number, length: number): Uint8Array;
  /** The same, as many as fit, into memory that is there already. */
  readInto(start: number, bytes: Uint8Array): void;
  close(): void;
}

/** Most bytes that one system call reads. */
const CHUNK = 2 ** 30;

/** What has a path and is no file: a pipe waits for who writes into it, and a device may never end. */
const others = {
  Directory: 'a folder',
  FIFO: 'a pipe',
  Socket: 'a socket',
  CharacterDevice: 'a device',
  BlockDevice: 'a device',
} as const;

/** Whether there is a folder at a path. */
export const isFolderAt = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Only files are opened: whatever opens a path asks this first. What can't be looked at is left to who opens it.
 *
 * @throws ModelError `E_CHECKPOINT` that says what is there instead
 */
export function checkIsFile(path: string): void {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    return;
  }
  for (const [kind, found] of Object.entries(others))
    if (stats[`is${kind as keyof typeof others}`]())
      throw checkpointFault(`${path} is ${found} where a file is needed`, { path, found });
}

/** @throws ModelError `E_CHECKPOINT` when it is no file, can't be opened, or turns out shorter than it was. */
export function fileSource(path: string): Source {
  const unreadable = (cause: unknown) =>
    checkpointFault(`${path} can't be read: ${(cause as Error).message}`, { path }, cause);
  checkIsFile(path);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw unreadable(cause);
  }
  const readInto = (start: number, bytes: Uint8Array) => {
    const { length } = bytes;
    try {
      for (let done = 0; done < length; ) {
        const count = readSync(file, bytes, done, Math.min(CHUNK, length - done), start + done);
        if (count === 0) throw new Error(`it ends at byte ${start + done}, and did not when it was opened`);
        done += count;
      }
    } catch (cause) {
      throw unreadable(cause);
    }
  };
  return {
    length: fstatSync(file).size,
    read(start, length) {
      const bytes = endAligned(length);
      readInto(start, bytes);
      return bytes;
    },
    readInto,
    close: () => closeSync(file),
  };
}

/** What `use` makes of a file, which is closed then. @throws as `fileSource` */
export function withSource<T>(path: string, use: (source: Source) => T): T {
  const source = fileSource(path);
  try {
    return use(source);
  } finally {
    source.close();
  }
}

/** All bytes of a file that has at most `most`. @throws ModelError `E_CHECKPOINT` for a longer one, and as `fileSource` */
export const wholeFile = (path: string, most: number): Uint8Array =>
  withSource(path, (source) => {
    if (source.length > most)
      throw checkpointFault(
        `${path} has ${source.length} bytes, and at most ${most} are read of such a file: it is another one`,
        { path, length: source.length, most },
      );
    return source.read(0, source.length);
  });

export const memorySource = (bytes: Uint8Array): Source => ({
  length: bytes.length,
  read: (start, length) => bytes.subarray(start, start + length),
  readInto: (start, into) => into.set(bytes.subarray(start, start + into.length)),
  close: () => {},
});

/** A part of a source, which stays the owner. */
export const sliceOf = (source: Source, start: number, length: number): Source => ({
  length,
  read: (at, count) => source.read(start + at, count),
  readInto: (at, bytes) => source.readInto(start + at, bytes),
  close: () => {},
});

/** Zeros. The elements of a storage end where its bytes end, so the end is what to align. */
export const endAligned = (length: number): Uint8Array => {
  const padding = -length & 7;
  return new Uint8Array(new ArrayBuffer(padding + length), padding);
};
