import type { Digest } from '../digest.js';

/** What the file system says of a file or folder. */
export interface Stamp {
  /** Bytes. */
  readonly size: number;
  readonly isFolder: boolean;
  /** Of the last change, ms since 1970. */
  readonly changedMs: number;
  /** Another one whenever the file is: device, inode, size, and the times of change to the nanosecond. */
  readonly id: string;
}

/** A file's content as it was all the while that it was read. */
export interface Hashed {
  readonly digest: Digest;
  readonly stamp: Stamp;
}

/** What a store needs of a disk. Paths are absolute; errors are those of Node, with their codes. */
export interface Disk {
  /** A small file; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  stamp(path: string): Promise<Stamp | undefined>;
  /** Of the bytes that were there before, while and after they were read. @throws E_INPUT_CHANGED */
  hash(path: string): Promise<Hashed | undefined>;
  /** Its bytes as they are while they are read. */
  content(path: string): AsyncIterable<Uint8Array>;
  /** Writes a file of what comes; one that was begun stays where that breaks off. */
  write(path: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Names in a folder; none where there is no folder. */
  names(path: string): Promise<readonly string[]>;
  /** Makes a folder and those above it. */
  folder(path: string): Promise<void>;
  /** Writes a file, whole or not at all, unless one is there; says whether it did. */
  place(path: string, text: string): Promise<boolean>;
  /** Writes a file, whole or not at all, over what is there. */
  replace(path: string, text: string): Promise<void>;
  /** Makes a file where there is none, in one step for all who try, and whole where it can; says whether it did. */
  claim(path: string, text: string): Promise<boolean>;
  /** Adds to a file's end what others see when this resolves; says whether there is such a file. It need not outlive the system. */
  append(path: string, text: string): Promise<boolean>;
  /** Moves a file over what is there, synced, also from another file system. */
  move(from: string, to: string): Promise<void>;
  /** Makes the time of a file's last change another one. */
  touch(path: string): Promise<void>;
  /** Removes a file or folder, if it is there. */
  remove(path: string): Promise<void>;
}

/** Time as this process sees it. */
export interface Clock {
  /** Milliseconds; never goes back. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `beat` again and again until it is told to stop; keeps no process alive. */
  every(ms: number, beat: () => void): () => void;
}

/** Which process something is of. */
export interface Identity {
  readonly pid: number;
  /** When it began, as the system counts; empty where the system doesn't tell. */
  readonly start: string;
  /** Of the system's start, and of the namespace that the pid is of; empty where the system doesn't tell. */
  readonly boot: string;
  readonly namespace: string;
  /** For people. */
  readonly host: string;
}

/** What a store stands on. */
export interface Machine {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly self: Identity;
  /** Calls `work` when this process has nothing left to do, if it gets there. */
  atEnd?(work: () => Promise<void>): void;
  /** Whether a process runs; undefined where that can't be known from here. */
  isAlive(identity: Identity): Promise<boolean | undefined>;
}
