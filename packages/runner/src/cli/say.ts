import { printable } from '../judging/shown.js';

const listeners = new Set<(line: string) => void>();

/** Says a line on standard error, whatever it speaks of. */
export function say(line: string): void {
  const text = printable(line);
  process.stderr.write(`${text}\n`);
  for (const listen of listeners) listen(text);
}

/** Lets a log hear what is said, until it is told to stop. */
export function hear(listen: (line: string) => void): () => void {
  listeners.add(listen);
  return () => void listeners.delete(listen);
}
