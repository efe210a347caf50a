import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../digest.js';
import { isMap, type Json } from '../json.js';
import { keyOf } from '../key.js';
import { limit } from '../limit.js';
import { once } from '../maps.js';
import { ended, line, NoFailure, type Watch } from './line.js';
import type { Clock } from './machine.js';
import {
  type ActionRecord,
  formatRecord,
  hasOutputs,
  isBelieved,
  type Output,
  parseRecord,
  unsigned,
} from './record.js';
import { formatNotes, parseNotes, rangeNamed } from './shard-notes.js';
import { isSigned, signatureOf } from './signature.js';
import type { Store } from './store.js';
import { type Passed, TooSlow, transfers } from './transfers.js';

/** Bytes that are sent, as often as it takes. */
export interface Content {
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
  /** Is told that something of it went, where it was read long before: what nothing is heard of is given up. */
  moved?(): void;
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

/** What became of a record that was to be sent: `unsigned` is one that came from elsewhere without the signature. */
export type Sent =
  | { readonly state: 'sent' | 'there'; readonly bytes: number }
  | { readonly state: 'lost' | 'unsigned' | 'failed' };

export interface RemoteStore extends Store {
  /** The store that looks there for what it has not. */
  readonly local: Store;
  /** Gives the remote a record and its files, files first; what is there already is not sent again. */
  send(record: ActionRecord): Promise<Sent>;
  /** Gives the remote what the store has noted of a family's shards. */
  sendNotes(family: Digest): Promise<Sent>;
  /**
   * Waits until what was computed here has been given to the remote, or could not be. Tells how many records were not
   * believed.
   */
  settled(): Promise<void>;
  /** What the remote failed with first, where it did. */
  failure(): Error | undefined;
  /** Asks the remote nothing any more, and ends what it was asked. */
  abandon(): void;
}

/** Records that the remote has and that were not taken. */
export interface Refused {
  /** Without a signature of the secret. */
  readonly unsigned: number;
  /** Those that `accepts` does not. */
  readonly others: number;
}

export interface RemoteOptions {
  /** It is asked only: what is computed here stays here. */
  readonly readOnly?: boolean;
  /** Signs what is sent; with it nothing is believed that is not signed with it. */
  readonly secret?: string | undefined;
  /** Which records may be found there. */
  readonly accepts?: ((record: ActionRecord) => boolean) | undefined;
  /** Files come and go however long it takes, as where they are copied on purpose. */
  readonly unhurried?: boolean;
  /** Told once, when the remote fails for the first time, or what could not be sent. */
  readonly onFailure?: (error: Error) => void;
  /** Told once, when a transfer is given up for the first time. */
  readonly onSlow?: (error: TooSlow) => void;
  /** Told by `settled`, where there were any since it was told last. */
  readonly onRefused?: (refused: Refused) => void;
  readonly clock?: Pick<Clock, 'now' | 'sleep'>;
}

/** Records and notes of more bytes are none. */
const mostBytes = 16 << 20;
/** A text's parts count as something that moves when they are so many bytes together: each comes whole within the patience. */
const movingBytes = 64 << 10;
/** A remote of few connections would seem silent to whoever asks for more at once. */
const asksAtOnce = 32;
const filesAtOnce = 8;
const sendsAtOnce = 4;
/** What fails to be sent is tried again after so long. */
const pausesMs = [500, 1_000, 2_000, 4_000];
/** So many records in a row that could not be sent, and the rest is not. */
const mostUnsent = 3;

/**
 * A store that looks elsewhere for what it has not, and gives on what is computed here, behind the run.
 *
 * A record is enough to go on with: files are fetched when they are read. One that the remote promises and has not is
 * computed. A remote that does not answer costs a run two seconds at most, from its beginning to its end, and what it would
 * have given; a file that would take longer to come, or to go, than its record took to compute is left where it is.
 *
 * With a `secret` nothing of the remote is believed that was not signed with it: records, and notes of shards, by which
 * strangers could have a run cut into a million parts.
 */
export function withRemote(store: Store, remote: Remote, options: RemoteOptions = {}): RemoteStore {
  const { secret, readOnly = false, unhurried = false, clock = ownClock } = options;
  const { accepts = () => true, onFailure = () => {}, onSlow = () => {}, onRefused = () => {} } = options;
  const { ask, send, drained, cut, tell, failure, stopped } = line(clock, onFailure);
  const { transfer } = transfers(clock);
  /** Files that were promised, and are not there. */
  const lost = new Set<Digest>();
  /** How long what was promised took to compute, s. */
  const worth = new Map<Digest, number>();
  const fetching = new Map<Digest, Promise<string | undefined>>();
  const families = new Map<Digest, Promise<Map<string, Digest>>>();
  const sending = new Set<Promise<unknown>>();
  /** Families with notes that are not sent yet, and those that are being sent. */
  const changed = new Set<Digest>();
  const noting = new Set<Digest>();
  const refused = { unsigned: new Set<Digest>(), others: new Set<Digest>() };
  const asking = limit(asksAtOnce);
  const fetchingFiles = limit(filesAtOnce);
  const inTurn = limit(sendsAtOnce);
  let refusalsTold = 0;
  let unsent = 0;
  let lastFailure = 'it does not answer';
  let isSlowTold = false;

  const tellSlow = (error: TooSlow): void => {
    if (!isSlowTold) onSlow(error);
    isSlowTold = true;
  };

  /** With the signature of the secret, where there is one. */
  const signed = <T extends object>(name: string, value: T): T & { readonly signature?: string } =>
    secret === undefined ? value : { ...value, signature: signatureOf(name, value as Json, secret) };

  const textOf = (name: string, { signal, waits, moved }: Watch): Promise<string | undefined> => {
    const whole = async () => {
      const content = await remote.get(name, signal);
      if (!content) return undefined;
      const parts: Uint8Array[] = [];
      let [size, counted] = [0, 0];
      for await (const part of content) {
        parts.push(part);
        size += part.length;
        if (size > mostBytes) return undefined;
        if (size - counted < movingBytes) continue;
        counted = size;
        moved();
      }
      return Buffer.concat(parts).toString('utf8');
    };
    return waits(whole());
  };

  /** The record that it has of a key. */
  const recordOf = async (key: Digest, watch: Watch): Promise<ActionRecord | undefined> => {
    const text = await textOf(`records/${key}`, watch);
    const record = text === undefined ? undefined : parseRecord(text, key);
    if (!record || keyOf(record.components) !== key) return undefined;
    const theirs = record.signature === undefined ? { ...record, signature: unsigned } : record;
    if (isBelieved(theirs, secret)) return theirs;
    refused.unsigned.add(key);
    return undefined;
  };

  const found = async (key: Digest): Promise<ActionRecord | undefined> => {
    const record = await asking(() => ask((watch) => recordOf(key, watch)));
    if (!record || Object.values(record.outputs).some(({ digest }) => lost.has(digest))) return undefined;
    if (!accepts(record)) {
      refused.others.add(key);
      return undefined;
    }
    for (const { digest } of Object.values(record.outputs)) worth.set(digest, secondsOf(record));
    return record;
  };

  const fetched = async (output: Output): Promise<string | undefined> => {
    const isReceived = await fetchingFiles(() =>
      ask((watch) =>
        transfer(output.size, unhurried ? undefined : worth.get(output.digest), (passed) =>
          received(output, watch, passed),
        ).catch((error: unknown) => {
          if (!(error instanceof TooSlow)) throw error;
          tellSlow(error);
          return false;
        }),
      ),
    );
    if (isReceived) return store.blob(output);
    lost.add(output.digest);
    return undefined;
  };

  const received = async (output: Output, watch: Watch, passed: Passed): Promise<boolean> => {
    const { signal, waits, moved } = watch;
    const content = await waits(remote.get(`blobs/${output.digest}`, signal));
    if (!content) return false;
    let broken: unknown;
    const whatCame = async function* () {
      try {
        for await (const part of awaited(content, watch)) {
          moved();
          passed(part.length);
          yield part;
        }
      } catch (error) {
        broken = error;
      }
    };
    const isWhole = await store.receive(output, whatCame()).catch((cause: unknown) => {
      throw new NoFailure('', { cause });
    });
    if (broken !== undefined) throw broken;
    return isWhole;
  };

  const readNotes = async (family: Digest, watch: Watch): Promise<Map<string, Digest>> => {
    const name = `shards/${family}`;
    const text = (await textOf(name, watch)) ?? '';
    const { signature, ...notes } = mapIn(text);
    const isTheirs = secret === undefined || isSigned(name, notes, signature, secret);
    return isTheirs ? parseNotes(text) : new Map();
  };
  const notesOf = (family: Digest): Promise<Map<string, Digest>> =>
    once(
      families,
      family,
      async () => (await asking(() => ask((watch) => readNotes(family, watch)))) ?? new Map(),
    );

  /** Does what the remote is given, again after pauses that grow where it fails. @throws what it fails with at last */
  const tried = async <T>(work: (watch: Watch) => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++)
      try {
        return await send(work);
      } catch (error) {
        if (error === ended || error instanceof TooSlow) throw error;
        lastFailure = error instanceof Error ? error.message : String(error);
        const pause = pausesMs[tries];
        if (pause === undefined) throw error;
        await clock.sleep(pause, stopped).catch(() => {});
      }
  };
  const put = (name: string, { size, open }: Content, seconds?: number): Promise<void> =>
    tried(({ signal, waits, moved }) =>
      transfer(size, unhurried ? undefined : seconds, (passed) => {
        const content = async function* () {
          for await (const bytes of open()) {
            moved();
            passed(bytes.length);
            yield bytes;
          }
        };
        const went = () => {
          moved();
          passed(0);
        };
        return waits(remote.put(name, { size, open: content, moved: went }, signal));
      }),
    );

  /** Files first: a record promises them. What is there is asked for before: some remotes write over it. */
  const give = async (record: ActionRecord): Promise<Sent> => {
    const name = `records/${record.key}`;
    if (!isBelieved(record, secret)) return { state: 'unsigned' };
    if (await tried((watch) => recordOf(record.key, watch))) return { state: 'there', bytes: 0 };
    let bytes = 0;
    for (const output of Object.values(record.outputs)) {
      const blob = `blobs/${output.digest}`;
      const isThere =
        !lost.has(output.digest) && (await tried(({ signal, waits }) => waits(remote.has(blob, signal))));
      if (isThere) continue;
      if ((await store.blob(output)) === undefined) return { state: 'lost' };
      await put(blob, { size: output.size, open: () => store.content(output) }, secondsOf(record));
      bytes += output.size;
    }
    const text = formatRecord(record.signature === undefined ? signed(name, record) : record);
    await put(name, contentOf(text));
    return { state: 'sent', bytes };
  };

  /** As `work` does; failing where it fails, which is told. */
  const given = async (work: () => Promise<Sent>): Promise<Sent> => {
    if (unsent >= mostUnsent) return { state: 'failed' };
    try {
      const sent = await work();
      unsent = 0;
      return sent;
    } catch (error) {
      if (error instanceof TooSlow) tellSlow(error);
      else if (error !== ended) {
        unsent++;
        tell(error);
      }
      return { state: 'failed' };
    }
  };
  const sendSoon = (work: () => Promise<Sent>): void => {
    const sent: Promise<unknown> = inTurn(() => given(work)).finally(() => sending.delete(sent));
    sending.add(sent);
  };

  /** One at a time of a family, with those that others have put there meanwhile. */
  const sendNotes = async (family: Digest): Promise<Sent> => {
    try {
      for (; changed.has(family); ) {
        changed.delete(family);
        const theirs = await tried((watch) => readNotes(family, watch));
        const notes = formatNotes(new Map([...theirs, ...(await notesOf(family))]));
        if (notes === formatNotes(theirs)) continue;
        const name = `shards/${family}`;
        await put(name, contentOf(JSON.stringify(signed(name, mapIn(notes)))));
      }
      return { state: 'sent', bytes: 0 };
    } finally {
      noting.delete(family);
    }
  };

  return {
    ...store,
    local: store,
    async lookup(key, outputs) {
      const here = await store.lookup(key, outputs);
      if (here) return here;
      const record = await found(key);
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
      // what another machine has put there anew is there
      for (const file of Object.values(entry.files)) if (typeof file === 'object') lost.delete(file.digest);
      const published = await store.publish(entry);
      if (!readOnly) sendSoon(() => give(published.record));
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
      if (readOnly) return;
      (await notesOf(family)).set(range.join('-'), key);
      changed.add(family);
      if (noting.has(family)) return;
      noting.add(family);
      sendSoon(() => sendNotes(family));
    },
    send: (record) => inTurn(() => given(() => give(record))),
    async sendNotes(family) {
      for (const range of await store.shards(family)) {
        const key = await store.shardKey(family, range);
        if (key !== undefined) (await notesOf(family)).set(range.join('-'), key);
      }
      changed.add(family);
      return inTurn(() => given(() => sendNotes(family)));
    },
    async settled() {
      const all = () => (sending.size > 0 ? Promise.all(sending) : undefined);
      if (!(await drained(all))) {
        tell(new Error(`${lastFailure}; ${sending.size} results were not sent`));
        cut();
      }
      const [others, withoutSignature] = [refused.others.size, refused.unsigned.size];
      if (others + withoutSignature > refusalsTold) onRefused({ unsigned: withoutSignature, others });
      refusalsTold = others + withoutSignature;
    },
    failure,
    abandon: cut,
  };
}

const secondsOf = ({ provenance: { seconds } }: ActionRecord): number =>
  typeof seconds === 'number' ? seconds : 0;

/** A text's map; an empty one where it is none. */
function mapIn(text: string): Record<string, Json> {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? (value as Record<string, Json>) : {};
  } catch {
    return {};
  }
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

function contentOf(text: string): Content {
  const bytes = new TextEncoder().encode(text);
  return {
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}

const ownClock: Pick<Clock, 'now' | 'sleep'> = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
};
