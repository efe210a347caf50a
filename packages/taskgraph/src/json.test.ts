import { expect, it } from 'vitest';
import { canonicalJson } from './json.js';

it('writes one text per value, keys sorted', () => {
  expect(canonicalJson({ b: [1, 'x', null], a: { d: 0.1, c: true } })).toBe(
    '{"a":{"c":true,"d":0.1},"b":[1,"x",null]}',
  );
});

it('sorts few keys as many: by code unit', () => {
  const names = Array.from({ length: 40 }, (_, i) => `${String.fromCharCode(97 + ((i * 7) % 26))}${i}é`);
  for (const keys of [names, names.slice(0, 9), ['b', 'a', 'ab', 'B', '10', '9', 'é', '\u{1f600}', '\uffee']])
    expect(canonicalJson(Object.fromEntries(keys.map((key) => [key, 1])))).toBe(
      `{${[...keys].sort().map((key) => `${JSON.stringify(key)}:1`)}}`,
    );
});

it('refuses numbers that JSON cannot hold', () => {
  expect(() => canonicalJson({ a: [Number.NaN] })).toThrow(TypeError);
});
