import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, digestOfText, isDigest } from '../digest.js';
import { identityIn } from './lease.js';
import type { Identity, Machine } from './machine.js';

/** So often a process that holds something says that it lives. */
const beatMs = 60_000;
/** Of a process that can't be seen from here, and has not said so for as long, nothing is held any more. */
const silentMs = 15 * 60_000;
/** So long may be removed at a time, and then whoever waits goes on. */
const closedMs = 10_000;
/** Whoever closed the gate and left it so is not waited for longer; by then it removes nothing any more. */
const patienceMs = 30_000;
const pollMs = 20;

export type Holds = ReturnType<typeof holds>;

/** What processes hold at a moment. */
export interface Held {
  has(digest: Digest): boolean;
  /** Whether a process with this name of its own holds anything. */
  isOwner(name: string): boolean;
}

/**
 * What running processes count on: of each a file with who it is, and a line for each key or digest.
 *
 * Nothing is removed that is held, for two things happen in this order. Whoever begins to hold something writes it down, then
 * looks whether the gate is closed, and if so waits, before it looks whether the thing is there. Whoever removes something
 * closes the gate, then reads what is held, and opens it when it has removed. So either what is held was written before it
 * was read, and stays; or the gate was closed before it was looked at, and what was removed was gone before it was asked for.
 *
 * `prepare`: what comes before anything is written.
 */
export function holds(
  { disk, clock, self, isAlive, atEnd }: Machine,
  folder: string,
  prepare: () => Promise<void>,
) {
  const gate = join(folder, 'gate');
  const path = join(folder, `${ownerName(self)}.${randomUUID()}`);
  /** What this process holds, since it last let go. */
  let written = new Set<Digest>();
  /** Whether it has said so since then. */
  let holding = false;
  let isToldAtEnd = false;
  let last: Promise<void> = Promise.resolve();
  /** What is to be written when that has ended. */
  let next: { readonly digests: Set<Digest>; readonly done: Promise<void> } | undefined;
  let stopBeat: (() => void) | undefined;
  /** Gates that were closed by somebody who can't open them any more. */
  const broken = new Set<string>();

  const write = async (digests: Iterable<Digest>, before: Iterable<Digest>): Promise<void> => {
    if (stopBeat && (await disk.append(path, linesOf(digests)))) return;
    await prepare();
    await disk.folder(folder);
    // that there is none may be remembered by a network share, what is in one is not
    if (!(await disk.stamp(gate))) await disk.claim(gate, '');
    await disk.claim(path, `${JSON.stringify(self)}\n${linesOf(before)}${linesOf(digests)}`);
    if (!isToldAtEnd) atEnd?.(release);
    isToldAtEnd = true;
    // a beat that fails is a beat that is missing
    stopBeat ??= clock.every(beatMs, () => void disk.append(path, '\n').catch(() => {}));
  };

  /** Comes in turn: what is held after it was called is held anew. */
  const release = (): Promise<void> => {
    written = new Set();
    holding = false;
    next = undefined;
    last = last
      .catch(() => {})
      .then(async () => {
        if (!stopBeat) return;
        stopBeat();
        stopBeat = undefined;
        await disk.remove(path);
      });
    return last;
  };

  const inTurn = (): NonNullable<typeof next> => {
    const [digests, held] = [new Set<Digest>(), written];
    last = last
      .catch(() => {})
      .then(async () => {
        if (next?.digests === digests) next = undefined;
        await write(digests, held);
        await passGate();
        for (const digest of digests) held.add(digest);
        if (held === written) holding = true;
      });
    return { digests, done: last };
  };

  /** Waits for whoever has the gate closed now; who closes it after that has read what is written. */
  const passGate = async (): Promise<void> => {
    const closed = textOf(await disk.read(gate));
    if (closed === '' || broken.has(closed)) return;
    const since = clock.now();
    const closer = identityIn(closed);
    while (textOf(await disk.read(gate)) === closed) {
      if ((closer && (await isAlive(closer)) === false) || clock.now() - since >= patienceMs) {
        broken.add(closed);
        return;
      }
      await clock.sleep(pollMs);
    }
  };

  /** What lives holds; with `clear`, what is of the dead is removed. */
  const read = async (now: number, clear: boolean): Promise<Held & Iterable<Digest>> => {
    const digests = new Set<Digest>();
    const owners = new Set<string>();
    for (const name of await disk.names(folder)) {
      const file = join(folder, name);
      const [stamp, text] = [await disk.stamp(file), textOf(await disk.read(file))];
      if (file === gate || !stamp || stamp.isFolder) continue;
      const [head = '', ...lines] = text.split('\n');
      const identity = identityIn(head);
      const alive = identity && (await isAlive(identity));
      if (alive === false || (alive === undefined && now - stamp.changedMs > silentMs)) {
        if (clear) await disk.remove(file).catch(() => {}); // whoever may remove it will
        continue;
      }
      for (const line of lines) if (isDigest(line)) digests.add(line);
      if (identity) owners.add(ownerName(identity));
    }
    return {
      has: (digest) => digests.has(digest),
      isOwner: (name) => owners.has(name),
      [Symbol.iterator]: () => digests[Symbol.iterator](),
    };
  };

  return {
    /** Keeps what these keys and digests name from being removed, until `release`. None of them says that this process lives. */
    hold(digests: Iterable<Digest>): Promise<void> {
      const fresh = [...digests].filter((digest) => !written.has(digest));
      if (fresh.length === 0 && holding) return Promise.resolve();
      // what is asked for while one is written is written together
      next ??= inTurn();
      for (const digest of fresh) next.digests.add(digest);
      return next.done;
    },
    release,
    read,
    /**
     * Runs `work` with what is held while nobody begins to hold anything. Only while `mayGoOn` may it remove what isn't held:
     * whoever waits goes on after a while.
     */
    async alone(now: number, work: (held: Held, mayGoOn: () => boolean) => Promise<void>): Promise<void> {
      await disk.folder(folder);
      const closed = JSON.stringify({ ...self, nonce: randomUUID() });
      await disk.replace(gate, closed);
      const since = clock.now();
      try {
        await work(await read(now, false), () => clock.now() - since < closedMs);
      } finally {
        if (textOf(await disk.read(gate)) === closed) await disk.replace(gate, '');
      }
    },
  };
}

/** Names a process in the name of a file or folder: its pid and start, and what these are of. */
export function ownerName({ pid, start, boot, namespace }: Identity): string {
  return `${pid}.${start}.${digestOfText(`${boot} ${namespace}`).slice(0, 16)}`;
}

/** The process that a name begins with. */
export const ownerOf = (name: string): string => name.split('.').slice(0, 3).join('.');

const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const linesOf = (digests: Iterable<Digest>) => [...digests].map((digest) => `${digest}\n`).join('');
