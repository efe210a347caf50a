import { printable } from '../judging/shown.js';

/** Says a line on standard error, whatever it speaks of. */
export function say(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}
