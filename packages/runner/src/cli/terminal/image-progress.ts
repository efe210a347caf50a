import type { Screen } from '../../execute/progress.js';
import { statusLine } from './status-line.js';

/**
 * Counts images on a screen.
 *
 * `total`: how many there will be; Infinity where nobody knows.
 */
export function imageProgress(
  screen: Screen,
  name: string,
  total: number,
  now: () => number = Date.now,
): { onImage(): void; end(): void } {
  const begun = now();
  const line = statusLine(screen, now);
  const all = Number.isFinite(total) ? ` of ${total}` : '';
  let done = 0;
  return {
    onImage() {
      done++;
      line.show((at) => `${name}: ${done}${all} images, ${Math.round((1000 * done) / (at - begun))}/s`);
    },
    end: line.end,
  };
}
