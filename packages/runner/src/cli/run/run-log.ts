import { appendFileSync } from 'node:fs';
import { cannotWrite } from '../../errors.js';
import type { Screen } from '../../execute/progress.js';

/** What is said of a run, for whoever looks later. */
export interface RunLog extends Screen {
  line(text: string): void;
  /** Why it is not whole, where it can't be written. */
  readonly failure: unknown;
}

/**
 * A log that is written as it is said, so that it is there however a run ends; runs follow each other in it. What can't be
 * written stops nothing.
 */
export function openRunLog(path: string): RunLog {
  let failure: unknown;
  const write = (text: string) => {
    if (failure !== undefined) return;
    try {
      appendFileSync(path, text);
    } catch (error) {
      failure = cannotWrite(path, error, 'what was computed is in the store');
    }
  };
  return {
    write,
    line: (text) => write(`${text}\n`),
    get failure() {
      return failure;
    },
  };
}
