import { describe, expect, it } from 'vitest';
import { PickleText } from './pickle-text.js';
import { readPickle } from './read-pickle.js';

const read = (text: string) => readPickle(Buffer.from(text, 'latin1'));
const u32 = (n: number) => String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255);
const encode = (text: string) => `c_codecs\nencode\n(${text}X\x06\0\0\0latin1tR.`;
/** As protocol 2 has it, in UTF-8. */
const text = (string: string) => {
  const bytes = Buffer.from(string).toString('latin1');
  return `X${u32(bytes.length)}${bytes}`;
};
const refusal = (offset: number) => expect.objectContaining({ code: 'E_PICKLE', evidence: { offset } });

/** Three pieces, in whose bytes every character is at every place beside a border. */
const bytes = Uint8Array.from({ length: 2 ** 17 + 77 }, (_, i) => (i * i + (i >> 8)) % 256);
const latin1 = Buffer.from(bytes).toString('latin1');
const hex = (c: string) => c.charCodeAt(0).toString(16);

describe('a long text', () => {
  it.each([
    ['protocol 2', text(latin1)],
    ['protocol 0', `V${latin1.replace(/[\\\n\r]/g, (c) => `\\u${hex(c).padStart(4, '0')}`)}\n`],
    ['protocol 0, all of it escaped', `V${latin1.replace(/./gs, (c) => `\\U${hex(c).padStart(8, '0')}`)}\n`],
  ])('gives the bytes that it encodes: %s', (_, pickled) => {
    expect(Buffer.compare(read(encode(pickled)) as Uint8Array, bytes)).toBe(0);
  });

  it.each([
    ['protocol 2', text(`${latin1}é中`)],
    ['protocol 0', `V${latin1.replace(/[\\\n]/g, (c) => `\\u00${hex(c).padStart(2, '0')}`)}é\\u4e2d\n`],
  ])('is the text when it is asked for: %s', (_, pickled) => {
    const value = read(`${pickled}.`);
    expect(value).toBeInstanceOf(PickleText);
    expect(`${value}` === `${latin1}é中`).toBe(true);
  });

  const long = 'a'.repeat(70_000);
  it.each([
    ['a character beyond', text(`${long}ÿĀ`), 5 + 70_002],
    ['what is no UTF-8', `X${u32(70_001)}${long}\xff`, 5 + 70_000],
    ['a character that is cut off', `X${u32(70_001)}${long}\xc3`, 5 + 70_000],
    ['an escape beyond', `V${long}\\u0100\n`, 1 + 70_000],
    ['an escape that is none', `V${long}\\u00g0\n`, 1 + 70_000],
    ['an escape that is cut off', `V${long}\\u00f\n`, 1 + 70_000],
  ])('is refused as bytes for %s, with its place', (_, pickled, at) => {
    expect(() => read(encode(pickled))).toThrow(refusal('c_codecs\nencode\n('.length + at));
  });

  it('is refused as text where it is none', () => {
    expect(() => `${read(`X${u32(5000)}${'\xff'.repeat(5000)}.`)}`).toThrow(refusal(5));
  });

  it('is no key, since keys are found by their values', () => {
    for (const dict of [`}${text(long)}Ns.`, `ccollections\nOrderedDict\n(](${text(long)}N\x86etR.`])
      expect(() => read(dict)).toThrow(expect.objectContaining({ code: 'E_PICKLE' }));
  });

  it('is decoded no oftener than its file is long', () => {
    const call = 'h\0h\x01h\x02\x86R0';
    expect(() =>
      read(`c_codecs\nencode\nq\x000${text(long)}q\x010X\x06\0\0\0latin1q\x020${call.repeat(1000)}N.`),
    ).toThrow(/far more work/);
  });
});

it('refuses bytes of a short text that is beyond latin-1', () => {
  expect(() => read(encode(text('中')))).toThrow(/none of latin-1/);
});
