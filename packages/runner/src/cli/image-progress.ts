import type { Screen } from '../execute/progress.js';
import { cut, roomOf } from '../report/columns.js';

const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/**
 * Counts images on a screen: one line that renews itself on a terminal, a line now and then elsewhere.
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
  let [done, last] = [0, begun];
  return {
    onImage() {
      done++;
      if (now() - last < (screen.isTTY ? redrawEveryMs : linesEveryMs)) return;
      last = now();
      const rate = Math.round((1000 * done) / (last - begun));
      const text = `${name}: ${done}${Number.isFinite(total) ? ` of ${total}` : ''} images, ${rate}/s`;
      screen.write(screen.isTTY ? `\r\x1b[2K${cut(text, roomOf(screen))}` : `${text}\n`);
    },
    end() {
      if (screen.isTTY) screen.write('\r\x1b[2K');
    },
  };
}
