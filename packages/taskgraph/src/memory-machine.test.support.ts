import { hash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Clock, Disk, Identity, Machine, Stamp } from './store/machine.js';
import type { Remote } from './store/remote.js';

/** A process that was killed: nothing that it asks for comes back any more. */
const never = new Promise<never>(() => {});

/** What a request takes. */
const requestMs = 1e-3;

interface Content {
  readonly bytes: Uint8Array;
  /** Another one whenever the file is. */
  readonly version: number;
  readonly changedMs: number;
}

/** A disk, a clock and processes that share them, all in memory: more than a request takes passes when all are idle. */
export interface World {
  readonly files: Map<string, Content>;
  write(path: string, text: string): void;
  drop(path: string): void;
  /** A process of the system that started as `boot`, killed at the request after so many; `killed` resolves then. */
  process(options?: { readonly requests?: number; readonly boot?: string }): {
    readonly machine: Machine;
    readonly killed: Promise<void>;
  };
  /** Lets time pass until `done`. */
  run<T>(done: Promise<T>): Promise<T>;
}

/** `random`: numbers in [0, 1), which decide in which order things happen. */
export function memoryWorld(random: () => number): World {
  const files = new Map<string, Content>();
  /** When each was made. */
  const folders = new Map<string, number>();
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
    files.set(path, { bytes, version: ++versions, changedMs: now });
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
      const { bytes, version, changedMs } = found;
      return { size: bytes.length, isFolder: false, changedMs, id: `${version}` };
    }
    return isFolder(path)
      ? { size: 0, isFolder: true, changedMs: folders.get(path) ?? 0, id: 'folder' }
      : undefined;
  };
  const failure = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code });

  return {
    files,
    write: (path, text) => put(path, new TextEncoder().encode(text)),
    drop,
    process({ requests = Infinity, boot = 'memory' } = {}) {
      const state = { killed: false };
      let left = requests;
      let end: () => void = () => {};
      const killed = new Promise<void>((resolve) => {
        end = resolve;
      });
      const self: Identity = {
        pid: alive.size + 1,
        start: '0',
        boot,
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
        now += requestMs;
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
            return { digest: hash('sha256', found.bytes), stamp };
          }),
        async *content(path) {
          const bytes = await asked(() => files.get(path)?.bytes);
          if (!bytes) throw failure('ENOENT', path);
          yield bytes;
        },
        async write(path, content) {
          await asked(() => put(path, new Uint8Array()));
          for await (const bytes of content)
            await asked(() => put(path, Buffer.concat([files.get(path)?.bytes ?? new Uint8Array(), bytes])));
        },
        names: (path) => asked(() => [...(inside.get(path) ?? [])]),
        folder: (path) =>
          asked(() => {
            if (!folders.has(path)) folders.set(path, now);
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
        append: (path, text) =>
          asked(() => {
            const found = files.get(path);
            if (found) put(path, Buffer.concat([found.bytes, Buffer.from(text)]));
            return found !== undefined;
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
      const after = (ms: number, wake: () => void): (() => void) => {
        const timer = { at: now + ms, wake };
        let i = timers.length;
        while (i > 0 && timers[i - 1]!.at > timer.at) i--;
        timers.splice(i, 0, timer);
        return () => {
          const at = timers.indexOf(timer);
          if (at >= 0) timers.splice(at, 1);
        };
      };
      const clock: Clock = {
        now: () => now,
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            const cancel = after(ms * (0.5 + random()), () => {
              signal?.removeEventListener('abort', abort);
              if (!state.killed) resolve();
            });
            const abort = () => {
              cancel();
              reject(signal?.reason);
            };
            signal?.addEventListener('abort', abort);
          }),
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
        isAlive: (other) =>
          asked(() => (other.boot === boot ? alive.get(other.pid)?.killed === false : undefined)),
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

/** What the machines of a world share; where it fails it rejects, hangs, forgets, cuts, breaks off, or gives other bytes. */
export function memoryRemote(
  random: () => number,
  fails: boolean,
): ((machine: Machine) => Remote) & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  const of = ({ clock }: Machine): Remote => {
    const answering = async (): Promise<number> => {
      await clock.sleep(random() * 20);
      const way = fails ? random() * 20 : 20;
      if (way < 1) await never;
      if (way < 2) throw new Error('it is not to be reached');
      return way;
    };
    return {
      has: async (name) => (await answering()) < 3 || kept.has(name),
      async get(name) {
        const way = await answering();
        const bytes = kept.get(name);
        if (!bytes || way < 3) return undefined;
        const cut = way < 5 ? bytes.subarray(0, bytes.length >> 1) : bytes;
        return (async function* () {
          yield way < 6 ? Buffer.from(cut).fill('x', 0, 1) : cut;
          if (way < 4) throw new Error('it broke off');
          if (way < 7) await clock.sleep(1e5);
          while (way >= 7 && way < 7.1) yield cut;
        })();
      },
      async put(name, { open }) {
        const way = await answering();
        const parts: Uint8Array[] = [];
        for await (const part of open()) parts.push(part);
        const bytes = Buffer.concat(parts);
        if (way >= 4) kept.set(name, bytes);
        else if (way >= 3) kept.set(name, bytes.subarray(0, bytes.length >> 1));
      },
    };
  };
  return Object.assign(of, { kept });
}
