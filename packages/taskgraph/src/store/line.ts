import type { Clock } from './machine.js';

/** So long a run waits for a remote that gives nothing, in all. */
const patienceMs = 2_000;
/** Of that is kept for what is sent at the end. */
const keptMs = 250;
/** So many failures in a row, and it is asked no more. */
const mostFailures = 3;
/** Why what was asked of the remote ends: it has answered, or will not be waited for. */
export const ended = new Error('ended');

/** What waits for a remote is watched by. */
export interface Watch {
  readonly signal: AbortSignal;
  /** The remote is waited for until this is settled. */
  waits<A>(answer: Promise<A>): Promise<A>;
  /** A part came, or was taken. */
  moved(): void;
}

/** Something that waits for the remote. */
interface Waiting {
  readonly stop: AbortController;
  /** When it began to wait, or something moved last. */
  since: number;
  /** Whether a part came. */
  isBegun: boolean;
}

/**
 * The line to a remote. It is silent where nothing moves while it is waited for. What a run waits for in vain is summed up over
 * the whole of it, what overlaps once: when `patienceMs` are spent, or after three failures in a row, nothing is asked any more.
 *
 * Nobody waits for what is sent, but at the end: it fails by itself, and is tried again. Where something was sent after
 * failures, there is an answer again, and it is asked as before.
 */
export function line(clock: Pick<Clock, 'now' | 'sleep'>, onFailure: (error: Error) => void) {
  const asked = new Set<Waiting>();
  const sent = new Set<Waiting>();
  let failures = 0;
  let lostMs = 0;
  let lostUntil = Number.NEGATIVE_INFINITY;
  let sentAt = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  const stop = new AbortController();
  const stopped: AbortSignal = stop.signal;

  const isOff = () => stopped.aborted || failures >= mostFailures || lostMs >= patienceMs - keptMs;

  /** Does it, unless nothing moves for too long. */
  const watched = async <T>(
    work: (watch: Watch) => Promise<T>,
    waiting: Waiting,
    { among, limitMs, onMove }: { among: Set<Waiting>; limitMs: () => number; onMove?: () => void },
  ): Promise<T> => {
    const { signal } = waiting.stop;
    let pending = 0;
    const moved = () => {
      waiting.since = clock.now();
      waiting.isBegun = true;
      onMove?.();
    };
    const waits = async <A>(answer: Promise<A>): Promise<A> => {
      if (pending++ === 0) waiting.since = clock.now();
      try {
        const given = await answer;
        waiting.since = clock.now();
        return given;
      } finally {
        pending--;
      }
    };
    const silence = async (): Promise<never> => {
      for (;;) {
        const limit = limitMs();
        const left = pending === 0 ? limit : limit - (clock.now() - waiting.since);
        if (left <= 0) throw new Error(`it has not answered for ${patienceMs / 1000} s`);
        await clock.sleep(Math.max(left, 10), signal);
        signal.throwIfAborted();
      }
    };
    among.add(waiting);
    try {
      const answer = await Promise.race([work({ signal, waits, moved }), silence()]);
      onMove?.();
      return answer;
    } catch (error) {
      throw signal.aborted ? ended : error;
    } finally {
      among.delete(waiting);
      waiting.stop.abort(ended);
    }
  };

  const begin = (): Waiting => ({ stop: new AbortController(), since: clock.now(), isBegun: false });

  const tell = (error: unknown): void => {
    if (failure) return;
    failure = error instanceof Error ? error : new Error(String(error));
    onFailure(failure);
  };

  /** Ends what waits for an answer and has nothing of one yet. */
  const endAsked = () => {
    for (const { isBegun, stop } of asked) if (!isBegun) stop.abort(ended);
  };

  return {
    /** What the remote answers; undefined where it fails, which costs nothing but the answer. */
    async ask<T>(work: (watch: Watch) => Promise<T>): Promise<T | undefined> {
      if (isOff()) return undefined;
      const waiting = begin();
      const limitMs = () => (waiting.isBegun ? patienceMs : patienceMs - keptMs - lostMs);
      try {
        const answer = await watched(work, waiting, { among: asked, limitMs });
        if (failures < mostFailures) failures = 0;
        return answer;
      } catch (error) {
        if (error instanceof NoFailure) throw error.cause;
        if (error === ended) return undefined;
        const now = clock.now();
        failures++;
        lostMs += Math.max(0, now - Math.max(waiting.since, lostUntil));
        lostUntil = now;
        tell(error);
        if (isOff()) endAsked();
        return undefined;
      }
    },
    /** What it answers to what is sent. @throws what it fails with */
    async send<T>(work: (watch: Watch) => Promise<T>): Promise<T> {
      stopped.throwIfAborted();
      const waiting = begin();
      const onMove = () => {
        sentAt = clock.now();
      };
      const answer = await watched(work, waiting, { among: sent, limitMs: () => patienceMs, onMove });
      if (lostMs < patienceMs - keptMs) failures = 0;
      return answer;
    },
    /** Waits for all that is sent, unless nothing of it moves for what is left of the patience; says whether it is done. */
    async drained(all: () => Promise<unknown> | undefined): Promise<boolean> {
      const begun = clock.now();
      for (let rest = all(); rest !== undefined; rest = all()) {
        const limit = isOff() ? keptMs : Math.max(patienceMs - lostMs, keptMs);
        const left = limit - (clock.now() - Math.max(begun, sentAt));
        if (left <= 0) return false;
        const isOver = new AbortController();
        const wait = clock.sleep(Math.max(left, 10), isOver.signal).catch(() => {});
        await Promise.race([rest, wait]);
        isOver.abort(ended);
      }
      return true;
    },
    tell,
    failure: (): Error | undefined => failure,
    /** Asks and sends nothing any more, and ends what waits. */
    cut(): void {
      stop.abort(ended);
      for (const waiting of [...asked, ...sent]) waiting.stop.abort(ended);
    },
    /** Whether it was cut. */
    stopped,
  };
}

/** An error of the store's while the remote was asked, as its cause: it is no failure of the remote's. */
export class NoFailure extends Error {}
