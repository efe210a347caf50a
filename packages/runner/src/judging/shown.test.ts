import { expect, it } from 'vitest';
import { jsonText, printable, shown } from './shown.js';

it('shows what a terminal would obey, and leaves what people write', () => {
  expect(printable('a\x1b[2Jb\x9b1m\x7f\r\n\b\0\u2028\u202e\u2066\u200f')).toBe(
    'a\\u001b[2Jb\\u009b1m\\u007f\\r\\n\\b\\u0000\\u2028\\u202e\\u2066\\u200f',
  );
  for (const text of ['预测 – “é” ➜ 👩‍🔬', 'ا‌ب', '\\n', 'a\u0301']) expect(printable(text)).toBe(text);
});

it('says no secret', () => {
  expect(printable('get redis://me:s3cr3t@host')).toBe('get redis://…@host');
});

it('says a value in a sentence in 60 letters', () => {
  expect(shown('\x1b\x9b')).toBe('"\\u001b\\u009b"');
  expect(shown('a'.repeat(100))).toBe(`"${'a'.repeat(58)}…`);
});

it('says a value as JSON that is exact, on as many lines', () => {
  const value = { '\x9b': ['\u202e\n', 1], address: 'https://me:s3cr3t@host/?a=b' };
  const text = jsonText(value, 1);
  expect(JSON.parse(text)).toEqual(value);
  expect(text.split('\n')).toHaveLength(7);
  expect(text).toContain('"\\u009b": [\n  "\\u202e\\n",');
});
