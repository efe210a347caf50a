import type { Screen } from '../../execute/progress.js';
import { printable } from '../../judging/shown.js';
import { cut, roomOf } from '../../report/columns.js';

const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/** One line of progress on a screen: it renews itself on a terminal, and comes anew now and then elsewhere. */
export function statusLine(screen: Screen, now: () => number) {
  let last = now();
  return {
    /** Shows what `text` says, where it is time to. */
    show(text: (now: number) => string): void {
      const at = now();
      if (screen.isQuiet || at - last < (screen.isTTY ? redrawEveryMs : linesEveryMs)) return;
      last = at;
      const line = printable(text(at));
      screen.write(screen.isTTY ? `\r\x1b[2K${cut(line, roomOf(screen))}` : `${line}\n`);
    },
    end(): void {
      if (screen.isTTY && !screen.isQuiet) screen.write('\r\x1b[2K');
    },
  };
}
