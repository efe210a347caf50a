import { describe, expect, it } from 'vitest';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './safetensors.js';
import { type Tensors, toFloat32 } from './tensor.js';

const file = (header: string, data: number[] = []) => {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
};

const tensors: Tensors = {
  small: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
  wide: { dtype: 'F64', shape: [], data: Float64Array.of(-0.1) },
  ids: { dtype: 'I64', shape: [1, 2], data: BigInt64Array.of(-1n, 2n ** 40n) },
  none: { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
};

describe('safetensors', () => {
  it('gives back what was written, with metadata and data aligned to 8 bytes', () => {
    const bytes = writeSafetensors(tensors, { seed: '17', a: 'é' });
    expect(readSafetensors(bytes)).toEqual(tensors);
    expect(readSafetensorsMetadata(bytes)).toEqual({ seed: '17', a: 'é' });
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });

  it('writes the same bytes whatever the order of keys', () => {
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(writeSafetensors(reversed, { b: '1', a: '2' })).toEqual(
      writeSafetensors(tensors, { a: '2', b: '1' }),
    );
  });

  it('reads the little-endian layout of the format, at any alignment', () => {
    const bytes = file(
      '{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
      [0, 0, 128, 63, 0, 0, 0, 192],
    );
    for (const shift of [0, 1, 3]) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(readSafetensors(moved.subarray(shift)).v?.data).toEqual(Float32Array.of(1, -2));
    }
  });

  it('keeps a tensor named __proto__ as an entry', () => {
    const read = readSafetensors(file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [7]));
    expect(Object.keys(read)).toEqual(['__proto__']);
  });

  const entry = (dtype: string, shape: string, offsets: string) =>
    `{"bad":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
  const cases: [string, Uint8Array, string | undefined][] = [
    ['an empty file', new Uint8Array(0), undefined],
    ['a header longer than the file', file('{}').fill(255, 0, 4), undefined],
    ['a header that is not JSON', file('{"a":'), undefined],
    ['a header that is a list', file('[]'), undefined],
    ['an unknown dtype', file(entry('F7', '[1]', '[0,1]'), [0]), 'bad'],
    ['a dtype named after a method', file(entry('toString', '[1]', '[0,1]'), [0]), 'bad'],
    ['a negative dimension', file(entry('U8', '[-1]', '[0,1]'), [0]), 'bad'],
    ['a product beyond 2^53', file(entry('U8', '[4294967296,4294967296]', '[0,1]'), [0]), 'bad'],
    ['offsets that do not fit the shape', file(entry('F32', '[1]', '[0,2]'), [0, 0]), 'bad'],
    ['reversed offsets', file(entry('U8', '[1]', '[1,0]'), [0]), 'bad'],
    ['a tensor beyond the end', file(entry('U8', '[2]', '[0,2]'), [0]), 'bad'],
    ['a gap before a tensor', file(entry('U8', '[1]', '[1,2]'), [0, 0]), 'bad'],
    ['bytes after the last tensor', file(entry('U8', '[1]', '[0,1]'), [0, 0]), undefined],
    [
      'tensors that overlap',
      file(
        '{"good":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"bad":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        [0, 0, 0],
      ),
      'bad',
    ],
  ];
  it.each(cases)('refuses %s', (_, bytes, tensor) => {
    expect(() => readSafetensors(bytes)).toThrow(
      expect.objectContaining({
        code: 'E_SAFETENSORS',
        evidence: tensor ? expect.objectContaining({ tensor }) : expect.anything(),
      }),
    );
  });

  it('refuses to write data that does not fit its shape', () => {
    expect(() => writeSafetensors({ a: { dtype: 'U8', shape: [2], data: Uint8Array.of(1) } })).toThrow(
      expect.objectContaining({ code: 'E_SAFETENSORS' }),
    );
  });
});

describe('toFloat32', () => {
  it('widens half precision exactly: subnormals, infinities, signs', () => {
    const data = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x8000, 0x3555);
    expect([...toFloat32({ dtype: 'F16', shape: [7], data })]).toEqual([
      1,
      -2,
      2 ** -24,
      65504,
      -Infinity,
      -0,
      0.333251953125,
    ]);
    expect([...toFloat32({ dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xc049) })]).toEqual([
      1, -3.140625,
    ]);
  });
});
