import { randomUUID } from 'node:crypto';
import { digestOfText } from '../digest.js';
import type { Identity, Machine } from './machine.js';

const beatMs = 5_000;
const silentMs = 30_000;

/** The right to do something alone, on whatever machines the others are. */
export interface Lease {
  /** Whether it is still ours: a process that was stopped for long may have lost it to another. */
  held(): Promise<boolean>;
  release(): Promise<void>;
}

/** Somebody else has it. */
export interface Held {
  /** For people; undefined where its file doesn't tell. */
  readonly holder: string | undefined;
}

export const isHeld = (answer: Lease | Held): answer is Held => 'holder' in answer;

/** Tries to take the lease whose file is `path`. */
export type TakeLease = (path: string) => Promise<Lease | Held>;

/**
 * Leases of one process.
 *
 * Of a holder on the same system the kernel tells whether it lives. Of any other only its heart tells, a time of change
 * that moves: when it has stood still for 30 s of our own clock, the lease is taken from it, whatever the times in it say.
 */
export function leases(machine: Machine): TakeLease {
  const { disk, clock, self } = machine;
  /** What was seen last of leases that others have, and since when it has been so. */
  const watched = new Map<string, { readonly seen: string; readonly since: number }>();

  const isSilent = (path: string, seen: string): boolean => {
    const before = watched.get(path);
    if (before?.seen === seen) return clock.now() - before.since >= silentMs;
    watched.set(path, { seen, since: clock.now() });
    return false;
  };

  const leaseOf = (path: string, text: string): Lease => {
    watched.delete(path);
    const held = async () => textOf(await disk.read(path)) === text;
    const beat = async () => {
      if (await held()) await disk.touch(path);
    };
    // a beat that fails is a beat that is missing
    const stop = clock.every(beatMs, () => void beat().catch(() => {}));
    return {
      held,
      async release() {
        stop();
        if (await held()) await disk.remove(path);
      },
    };
  };

  const take: TakeLease = async (path) => {
    for (;;) {
      const mine = JSON.stringify({ ...self, nonce: randomUUID() });
      if (await disk.claim(path, mine)) return leaseOf(path, mine);
      const [stamp, text] = [await disk.stamp(path), textOf(await disk.read(path))];
      if (!stamp || text === undefined) continue; // given back this moment
      const holder = identityIn(text);
      const held = { holder: holder && `${holder.host}, process ${holder.pid}` };
      const silent = isSilent(path, `${stamp.id} ${text}`);
      const alive = holder && (await machine.isAlive(holder));
      if (alive !== false && !silent) return held;
      // Of all who see that it is dead, one alone may take it; and that one may die as well.
      const right = await take(`${path}.${digestOfText(text).slice(0, 16)}`);
      if (isHeld(right)) return held;
      try {
        if (textOf(await disk.read(path)) !== text) continue;
        await disk.replace(path, mine);
        return leaseOf(path, mine);
      } finally {
        await right.release();
      }
    }
  };
  return take;
}

const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** Who a text names, where it is one that a process of this or an earlier version wrote whole. */
export function identityIn(text: string): Identity | undefined {
  try {
    const { pid, host, start = '', boot = '', namespace = '' } = JSON.parse(text) ?? {};
    return Number.isSafeInteger(pid) && [host, start, boot, namespace].every((one) => typeof one === 'string')
      ? { pid, host, start, boot, namespace }
      : undefined;
  } catch {
    return undefined;
  }
}
