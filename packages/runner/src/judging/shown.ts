import { withoutSecrets } from '@fewstep/taskgraph/secrets';

/** A value in a sentence: short, on one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? jsonText(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** A key in a path: bare when it is a word, quoted otherwise. */
export function shownKey(key: string): string {
  return /^[\w.-]{1,60}$/.test(key) ? key : shown(key);
}

/** What could move a terminal's cursor, or turn what follows it: controls, ends of lines and directions of writing. */
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * A text from wherever as one line for people: names, labels, prompts and paths are data, whatever is in them. What is
 * unprintable is escaped as in JSON, and there are no secrets in it. Written by everything that writes lines.
 */
export function printable(text: string): string {
  return withoutSecrets(text).replace(unprintable, escaped);
}

/** A value as JSON, exactly, and yet nothing to a terminal that shows it: `space` as of JSON.stringify. */
export function jsonText(value: unknown, space?: number): string {
  return JSON.stringify(value, null, space).replace(unprintable, (c) => (c === '\n' ? c : escaped(c)));
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  return short === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : short;
}
