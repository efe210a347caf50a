import type { Clock } from './machine.js';

/** What is over sooner is not judged, and a rate of less is none. */
const judgedAfterMs = 1_000;

/** A transfer that was given up: it would have taken longer than to compute what it brings. */
export class TooSlow extends Error {
  constructor(
    readonly size: number,
    readonly bytesPerSecond: number,
    readonly seconds: number,
  ) {
    super(`${size} bytes at ${Math.round(bytesPerSecond)} bytes/s would take longer than ${seconds} s`);
  }
}

/** Of one transfer: says of each part that came, or went, how many bytes it has. @throws TooSlow */
export type Passed = (bytes: number) => void;

/**
 * Judges transfers by the rate that they move at. Once one was measured, others that would take too long at that rate are not
 * begun; what takes less than a second is.
 */
export function transfers(clock: Pick<Clock, 'now'>) {
  let under = 0;
  let bytesPerMs: number | undefined;
  const judge = (size: number, seconds: number): void => {
    if (bytesPerMs !== undefined && size / bytesPerMs > Math.max(seconds * 1000, judgedAfterMs))
      throw new TooSlow(size, bytesPerMs * 1000, seconds);
  };
  return {
    /** `seconds`: how long it takes to compute, where that is known. @throws TooSlow, also before anything is moved */
    async transfer<T>(
      size: number,
      seconds: number | undefined,
      work: (passed: Passed) => Promise<T>,
    ): Promise<T> {
      if (seconds !== undefined) judge(size, seconds);
      const begun = clock.now();
      let bytes = 0;
      under++;
      let sharing = under;
      try {
        return await work((more) => {
          bytes += more;
          sharing = Math.max(sharing, under);
          const ms = clock.now() - begun;
          if (ms < judgedAfterMs) return;
          bytesPerMs = (bytes / ms) * sharing; // of the line, had it been alone
          if (seconds !== undefined) judge(size, seconds);
        });
      } finally {
        under--;
      }
    },
  };
}
