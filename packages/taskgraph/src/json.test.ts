import { expect, it } from 'vitest';
import { canonicalJson } from './json.js';

it('writes one text per value, keys sorted', () => {
  expect(canonicalJson({ b: [1, 'x', null], a: { d: 0.1, c: true } })).toBe(
    '{"a":{"c":true,"d":0.1},"b":[1,"x",null]}',
  );
});

it('refuses numbers that JSON cannot hold', () => {
  expect(() => canonicalJson({ a: [Number.NaN] })).toThrow(TypeError);
});
