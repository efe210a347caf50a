/** A value in a sentence: short, on one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? quoted(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Quoted, with everything that could move a terminal's cursor escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A key in a path: bare when it is a word, quoted otherwise. */
export function shownKey(key: string): string {
  return /^[\w.-]{1,60}$/.test(key) ? key : shown(key);
}
