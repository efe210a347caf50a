import type { Screen } from '../../execute/progress.js';
import { printable } from '../../judging/shown.js';

const listeners = new Set<(line: string) => void>();
const print = (text: string) => void process.stderr.write(`${text}\n`);
let speak: (text: string) => void = print;
let quietly = 0;

/** Says a line on standard error, whatever it speaks of; not where nothing but warnings is to be heard. */
export function say(line: string): void {
  tell(line, quietly === 0);
}

/** Says what is not as it should be, on standard error, in any case. */
export function warn(line: string): void {
  tell(line, true);
}

function tell(line: string, isHeard: boolean): void {
  const text = printable(line);
  if (isHeard) speak(text);
  for (const listen of listeners) listen(text);
}

/** Lets a log hear what is said, quietly or not, until it is told to stop. */
export function hear(listen: (line: string) => void): () => void {
  listeners.add(listen);
  return () => void listeners.delete(listen);
}

/** Has what is said go through what draws on standard error, until it is told to stop. */
export function speakThrough(speaker: (text: string) => void): () => void {
  speak = speaker;
  return () => {
    speak = print;
  };
}

/** Does something during which, with `isQuiet`, nothing but warnings and errors is said. */
export async function quietlyIf<T>(isQuiet: boolean | undefined, work: () => T | Promise<T>): Promise<T> {
  if (!isQuiet) return work();
  quietly++;
  try {
    return await work();
  } finally {
    quietly--;
  }
}

/** Standard error as a screen: what a terminal can't do, or what nobody wants to see, is not done there. */
export function screen(): Screen {
  const { stderr } = process;
  return {
    write: (text) => stderr.write(text),
    isTTY: stderr.isTTY && process.env.TERM !== 'dumb',
    hasColour: stderr.isTTY && stderr.hasColors(), // none with NO_COLOR
    isQuiet: quietly > 0,
    get columns() {
      return stderr.columns;
    },
    get rows() {
      return stderr.rows;
    },
  };
}
