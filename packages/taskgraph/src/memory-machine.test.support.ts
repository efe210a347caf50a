import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Clock, Disk, Identity, Machine, Stamp } from './store/machine.js';

/** A process that was killed: nothing that it asks for comes back any more. */
const never = new Promise<never>(() => {});

interface Content {
  readonly bytes: Uint8Array;
  /** Another one whenever the file is. */
  readonly version: number;
}

/** A disk, a clock and processes that share them, all in memory: time passes when nobody has anything left to do. */
export interface World {
  readonly files: Map<string, Content>;
  write(path: string, text: string): void;
  drop(path: string): void;
  /** A process of this world, which is killed at the request after so many; `killed` resolves then. */
  process(requests?: number): { readonly machine: Machine; readonly killed: Promise<void> };
  /** Lets time pass until `done`. */
  run<T>(done: Promise<T>): Promise<T>;
}

/** `random`: numbers in [0, 1), which decide in which order things happen. */
export function memoryWorld(random: () => number): World {
  const files = new Map<string, Content>();
  const folders = new Set<string>();
  const alive = new Map<number, { killed: boolean }>();
  let versions = 0;
  let now = 0;
  const timers: { readonly at: number; readonly wake: () => void }[] = [];

  /** What lies in each folder. */
  const inside = new Map<string, Set<string>>();
  const enter = (path: string) => {
    for (let at = path; at !== '/'; ) {
      const above = dirname(at);
      const names = inside.get(above) ?? new Set();
      inside.set(above, names);
      const name = at.slice(above === '/' ? 1 : above.length + 1);
      if (names.has(name)) return;
      names.add(name);
      at = above;
    }
  };
  const leave = (path: string) => inside.get(dirname(path))?.delete(path.slice(dirname(path).length + 1));
  const put = (path: string, bytes: Uint8Array) => {
    files.set(path, { bytes, version: ++versions });
    enter(path);
  };
  const drop = (path: string) => {
    for (const name of inside.get(path) ?? []) drop(`${path}/${name}`);
    inside.delete(path);
    files.delete(path);
    folders.delete(path);
    leave(path);
  };
  const isFolder = (path: string) => folders.has(path) || (inside.get(path)?.size ?? 0) > 0;
  const stampOf = (path: string): Stamp | undefined => {
    const found = files.get(path);
    if (found) {
      const { bytes, version } = found;
      return { size: bytes.length, isFolder: false, changedMs: 0, id: `${version}` };
    }
    return isFolder(path) ? { size: 0, isFolder: true, changedMs: 0, id: 'folder' } : undefined;
  };
  const failure = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code });

  return {
    files,
    write: (path, text) => put(path, new TextEncoder().encode(text)),
    drop,
    process(requests = Infinity) {
      const state = { killed: false };
      let left = requests;
      let end: () => void = () => {};
      const killed = new Promise<void>((resolve) => {
        end = resolve;
      });
      const self: Identity = {
        pid: alive.size + 1,
        start: '0',
        boot: 'memory',
        namespace: 'memory',
        host: 'memory',
      };
      alive.set(self.pid, state);
      /** Each request takes its turn among those of all processes, and reaches nobody once its process is killed. */
      const asked = async <T>(work: () => T): Promise<T> => {
        for (let turns = Math.floor(random() * 4); turns > 0; turns--) await Promise.resolve();
        if (!state.killed && --left < 0) {
          state.killed = true;
          end();
        }
        if (state.killed) return never;
        const answer = work();
        await Promise.resolve();
        return state.killed ? never : answer;
      };
      const disk: Disk = {
        read: (path) => asked(() => files.get(path)?.bytes),
        stamp: (path) => asked(() => stampOf(path)),
        hash: (path) =>
          asked(() => {
            const found = files.get(path);
            const stamp = stampOf(path);
            if (!found || !stamp) return undefined;
            return { digest: createHash('sha256').update(found.bytes).digest('hex'), stamp };
          }),
        names: (path) => asked(() => [...(inside.get(path) ?? [])]),
        folder: (path) =>
          asked(() => {
            folders.add(path);
            enter(path);
          }),
        place: (path, text) =>
          asked(() => {
            if (files.has(path)) return false;
            put(path, new TextEncoder().encode(text));
            return true;
          }),
        replace: (path, text) => asked(() => void put(path, new TextEncoder().encode(text))),
        claim: (path, text) =>
          asked(() => {
            if (files.has(path)) return false;
            put(path, new TextEncoder().encode(text));
            return true;
          }),
        move: (from, to) =>
          asked(() => {
            const found = files.get(from);
            if (!found) throw failure('ENOENT', from);
            drop(from);
            put(to, found.bytes);
          }),
        touch: (path) =>
          asked(() => {
            const found = files.get(path);
            if (found) put(path, found.bytes);
          }),
        remove: (path) => asked(() => drop(path)),
      };
      const after = (ms: number, wake: () => void) => {
        const at = now + ms;
        let i = timers.length;
        while (i > 0 && timers[i - 1]!.at > at) i--;
        timers.splice(i, 0, { at, wake });
      };
      const clock: Clock = {
        now: () => now,
        sleep: (ms) =>
          new Promise((resolve) => after(ms * (0.5 + random()), () => !state.killed && resolve())),
        every(ms, beat) {
          let stopped = false;
          const next = () =>
            after(ms, () => {
              if (stopped || state.killed) return;
              beat();
              next();
            });
          next();
          return () => {
            stopped = true;
          };
        },
      };
      const machine: Machine = {
        disk,
        clock,
        self,
        isAlive: ({ pid, boot }) =>
          asked(() => (boot === self.boot ? alive.get(pid)?.killed === false : undefined)),
      };
      return { machine, killed };
    },
    async run(done) {
      let settled = false;
      const end = () => {
        settled = true;
      };
      done.then(end, end);
      // what is asked for is answered before the next turn of the event loop: then time passes
      for (let idle = 0; !settled; ) {
        await new Promise((resolve) => setImmediate(resolve));
        if (settled) break;
        const next = timers.shift();
        if (!next) {
          if (++idle > 3) throw new Error('everybody waits, and nobody is left to wake them');
          continue;
        }
        idle = 0;
        now = Math.max(now, next.at);
        if (now > 1e7) throw new Error('three hours went by, and it has not ended');
        next.wake();
      }
      return done;
    },
  };
}

/** Random numbers of a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
