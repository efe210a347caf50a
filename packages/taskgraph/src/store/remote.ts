import { setTimeout as nodeSleep } from 'node:timers/promises';
import type { Digest } from '../digest.js';
import { keyOf } from '../key.js';
import { limit } from '../limit.js';
import { once } from '../maps.js';
import type { Clock } from './machine.js';
import { type ActionRecord, formatRecord, hasOutputs, type Output, parseRecord } from './record.js';
import { formatNotes, parseNotes, rangeNamed } from './shard-notes.js';
import type { Store } from './store.js';

/** Bytes that are sent, as often as it takes. */
export interface Content {
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/**
 * What other machines share: bytes by name. Names are `records/KEY`, `blobs/DIGEST` and `shards/FAMILY`, each with a SHA-256
 * as 64 hex digits. What is kept under a name may stay when it is put again, or be replaced.
 *
 * It may reject, hang, forget, cut and lie: nothing that it gives is believed before it was compared.
 */
export interface Remote {
  has(name: string, signal: AbortSignal): Promise<boolean>;
  /** Undefined where there is nothing of the name. */
  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  put(name: string, content: Content, signal: AbortSignal): Promise<void>;
}

export interface RemoteStore extends Store {
  /** Waits until what was computed here has been given to the remote, or could not be. */
  settled(): Promise<void>;
  /** Asks the remote nothing any more, and ends what it was asked. */
  abandon(): void;
}

export interface RemoteOptions {
  /** Told once, when the remote fails for the first time. */
  readonly onFailure?: (error: Error) => void;
  readonly clock?: Pick<Clock, 'sleep'>;
}

/** So long is it waited for, for each answer and each part of one: then the remote is not asked again. */
const patienceMs = 2_000;
/** So many failures in a row, and it is not asked again. */
const mostFailures = 3;
/** Records and notes of more bytes are none. */
const mostBytes = 16 << 20;
/** A remote of few connections would seem silent to whoever asks for more at once. */
const asksAtOnce = 32;
const sendsAtOnce = 4;
/** Why what was asked of the remote ends: it has answered, or will not be waited for. */
const ended = new Error('ended');

/**
 * A store that looks elsewhere for what it has not, and gives on what is computed here, behind the run.
 *
 * A record is enough to go on with: files are fetched when they are read. One that the remote promises and has not is
 * computed. A remote that fails costs a run what it would have found there, and no more than some seconds.
 */
export function withRemote(
  store: Store,
  remote: Remote,
  { onFailure = () => {}, clock = { sleep: sleepUntil } }: RemoteOptions = {},
): RemoteStore {
  /** Files that were promised, and are not there. */
  const lost = new Set<Digest>();
  const fetching = new Map<Digest, Promise<string | undefined>>();
  const families = new Map<Digest, Promise<Map<string, Digest>>>();
  const sending = new Set<Promise<void>>();
  /** Families with notes that are not sent yet, and those that are being sent. */
  const changed = new Set<Digest>();
  const noting = new Set<Digest>();
  const asking = limit(asksAtOnce);
  const inTurn = limit(sendsAtOnce);
  const running = new Set<AbortController>();
  let failures = 0;
  let isTold = false;

  /** What the remote answers; undefined where it fails, which costs nothing but the answer. */
  const ask = <T>(work: (watch: Watch) => Promise<T>): Promise<T | undefined> =>
    asking(async () => {
      if (failures >= mostFailures) return undefined;
      const stop = new AbortController();
      running.add(stop);
      let [pending, moves] = [0, 0];
      const moved = () => void moves++;
      const waits = async <A>(answer: Promise<A>): Promise<A> => {
        pending++;
        moved();
        return answer.finally(() => {
          pending--;
          moved();
        });
      };
      const silence = async (): Promise<never> => {
        for (let before = -1; pending === 0 || before !== moves; ) {
          before = moves;
          await clock.sleep(patienceMs, stop.signal);
          stop.signal.throwIfAborted();
        }
        failures = mostFailures;
        throw new Error(`it has not answered for ${patienceMs / 1000} s`);
      };
      try {
        const answer = await Promise.race([work({ signal: stop.signal, waits, moved }), silence()]);
        if (failures < mostFailures) failures = 0;
        return answer;
      } catch (error) {
        if (error instanceof StoreError) throw error.cause;
        if (stop.signal.aborted) return undefined;
        failures++;
        if (!isTold) onFailure(error instanceof Error ? error : new Error(String(error)));
        isTold = true;
        return undefined;
      } finally {
        running.delete(stop);
        stop.abort(ended);
      }
    });

  const textOf = (name: string): Promise<string | undefined> =>
    ask(async ({ signal, waits }) => {
      const content = await waits(remote.get(name, signal));
      if (!content) return undefined;
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of awaited(content, { waits })) {
        parts.push(part);
        size += part.length;
        if (size > mostBytes) return undefined;
      }
      return Buffer.concat(parts).toString('utf8');
    });

  const recordOf = async (key: Digest): Promise<ActionRecord | undefined> => {
    const text = await textOf(`records/${key}`);
    const record = text === undefined ? undefined : parseRecord(text, key);
    if (!record || keyOf(record.components) !== key) return undefined;
    return Object.values(record.outputs).some(({ digest }) => lost.has(digest)) ? undefined : record;
  };

  const fetched = async (output: Output): Promise<string | undefined> => {
    const isReceived = await ask(async ({ signal, waits }) => {
      const content = await waits(remote.get(`blobs/${output.digest}`, signal));
      if (!content) return false;
      let broken: unknown;
      const whatCame = async function* () {
        try {
          yield* awaited(content, { waits });
        } catch (error) {
          broken = error;
        }
      };
      const isWhole = await store.receive(output, whatCame()).catch((cause: unknown) => {
        throw new StoreError('', { cause });
      });
      if (broken !== undefined) throw broken;
      return isWhole;
    });
    if (isReceived) return store.blob(output);
    lost.add(output.digest);
    return undefined;
  };

  const notesOf = (family: Digest): Promise<Map<string, Digest>> =>
    once(families, family, async () => parseNotes((await textOf(`shards/${family}`)) ?? ''));

  const send = (work: () => Promise<unknown>): void => {
    const sent: Promise<void> = inTurn(work)
      .catch(() => {}) // what could not be read here can't be sent
      .then(() => void sending.delete(sent));
    sending.add(sent);
  };
  const put = (name: string, { size, open }: Content) =>
    ask(async ({ signal, waits, moved }) => {
      await waits(remote.put(name, { size, open: () => counted(open(), moved) }, signal));
      return true;
    });

  /** Files first: a record promises them. */
  const sendRecord = async (record: ActionRecord): Promise<void> => {
    if (await recordOf(record.key)) return;
    for (const output of Object.values(record.outputs)) {
      const name = `blobs/${output.digest}`;
      const isThere =
        !lost.has(output.digest) && (await ask(({ signal, waits }) => waits(remote.has(name, signal))));
      const content: Content = { size: output.size, open: () => store.content(output) };
      if (!isThere && !(await put(name, content))) return;
    }
    await put(`records/${record.key}`, contentOf(formatRecord(record)));
  };

  /** One at a time of a family, with those that others have put there meanwhile. */
  const sendNotes = async (family: Digest): Promise<void> => {
    for (; changed.has(family); ) {
      changed.delete(family);
      const theirs = parseNotes((await textOf(`shards/${family}`)) ?? '');
      await put(`shards/${family}`, contentOf(formatNotes(new Map([...theirs, ...(await notesOf(family))]))));
    }
    noting.delete(family);
  };

  return {
    ...store,
    async lookup(key, outputs) {
      const here = await store.lookup(key, outputs);
      if (here) return here;
      const record = await recordOf(key);
      if (!record || !hasOutputs(record, outputs)) return undefined;
      await store.adopt(record).catch(() => {}); // a store that is only read asks again next time
      return { record, source: 'remote' };
    },
    async blob(output) {
      const path = await store.blob(output);
      if (path !== undefined || lost.has(output.digest)) return path;
      const { digest } = output;
      return once(fetching, digest, () => fetched(output).finally(() => fetching.delete(digest)));
    },
    async publish(entry) {
      const published = await store.publish(entry);
      send(() => sendRecord(published.record));
      return published;
    },
    async shards(family) {
      const here = await store.shards(family);
      const theirs = [...(await notesOf(family)).keys()].map(rangeNamed);
      return [...here, ...theirs.filter((range) => range !== undefined)];
    },
    async shardKey(family, range) {
      return (await store.shardKey(family, range)) ?? (await notesOf(family)).get(range.join('-'));
    },
    async noteShard(family, range, key) {
      await store.noteShard(family, range, key);
      (await notesOf(family)).set(range.join('-'), key);
      changed.add(family);
      if (noting.has(family)) return;
      noting.add(family);
      send(() => sendNotes(family));
    },
    async settled() {
      while (sending.size > 0) await Promise.all(sending);
    },
    abandon() {
      failures = mostFailures;
      for (const stop of running) stop.abort(ended);
    },
  };
}

/** An error of the store's while the remote was asked: it is no failure of the remote's. */
class StoreError extends Error {}

/** What a question to the remote is watched by: it is silent where nothing moves while it is waited for. */
interface Watch {
  readonly signal: AbortSignal;
  waits<A>(answer: Promise<A>): Promise<A>;
  moved(): void;
}

/** Each part of what the remote gives is waited for; what is done with one is no silence of the remote's. */
const awaited = (content: AsyncIterable<Uint8Array>, { waits }: Pick<Watch, 'waits'>) => ({
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const parts = content[Symbol.asyncIterator]();
    return {
      next: () => waits(parts.next()),
      return: async () => (await parts.return?.()) ?? { done: true, value: undefined },
    };
  },
});

async function* counted(content: AsyncIterable<Uint8Array>, moved: () => void): AsyncIterable<Uint8Array> {
  for await (const bytes of content) {
    moved();
    yield bytes;
  }
}

function contentOf(text: string): Content {
  const bytes = new TextEncoder().encode(text);
  return {
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}

const sleepUntil: Clock['sleep'] = (ms, signal) =>
  nodeSleep(ms, undefined, { ...(signal && { signal }), ref: false });
