import type { Screen } from '../../execute/progress.js';
import { printable } from '../../judging/shown.js';
import { megabytes } from './quantities.js';
import { statusLine } from './status-line.js';

/**
 * Reports a download on a screen: what is downloaded, before it begins; then how far it is. Says nothing where nothing is
 * downloaded.
 */
export function downloadProgress(
  screen: Screen,
  announcement: string,
  name: string,
  now: () => number = Date.now,
): { onProgress(bytes: number, total: number | undefined): void; end(): void } {
  let begun: { at: number; bytes: number; line: ReturnType<typeof statusLine> } | undefined;
  return {
    onProgress(bytes, total) {
      if (!begun) {
        if (!screen.isQuiet) screen.write(`${printable(announcement)}\n`);
        begun = { at: now(), bytes, line: statusLine(screen, now) };
      }
      const { line, ...first } = begun;
      line.show((at) => {
        const rate = megabytes(Math.max(0, bytes - first.bytes) / ((at - first.at) / 1000));
        const share = total ? `, ${Math.floor((100 * bytes) / total)} % of ${megabytes(total)}` : '';
        return `${name}: ${megabytes(bytes)}${share}, ${rate}/s`;
      });
    },
    end() {
      begun?.line.end();
    },
  };
}
