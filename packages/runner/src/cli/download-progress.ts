import type { Screen } from '../execute/progress.js';
import { printable } from '../judging/shown.js';
import { cut, roomOf } from '../report/columns.js';
import { megabytes } from './output.js';

const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/**
 * Reports a download on a screen: what is downloaded, before it begins; then one line that renews itself on a terminal,
 * a line now and then elsewhere. Says nothing where nothing is downloaded.
 */
export function downloadProgress(
  screen: Screen,
  announcement: string,
  name: string,
  now: () => number = Date.now,
): { onProgress(bytes: number, total: number | undefined): void; end(): void } {
  let begun: { at: number; bytes: number } | undefined;
  let last = 0;
  return {
    onProgress(bytes, total) {
      if (!begun) {
        screen.write(`${printable(announcement)}\n`);
        begun = { at: now(), bytes };
        last = begun.at;
      }
      const wait = screen.isTTY ? redrawEveryMs : linesEveryMs;
      if (now() - last < wait) return;
      last = now();
      const rate = megabytes(Math.max(0, bytes - begun.bytes) / ((last - begun.at) / 1000));
      const share = total ? `, ${Math.floor((100 * bytes) / total)} % of ${megabytes(total)}` : '';
      const text = `${name}: ${megabytes(bytes)}${share}, ${rate}/s`;
      screen.write(screen.isTTY ? `\r\x1b[2K${cut(text, roomOf(screen))}` : `${text}\n`);
    },
    end() {
      if (begun && screen.isTTY) screen.write('\r\x1b[2K');
    },
  };
}
