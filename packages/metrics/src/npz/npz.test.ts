import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { type NpyArray, readNpy, writeNpy } from './npy.js';
import { readNpz, writeNpz } from './npz.js';
import { readStatistics, statisticsIn, writeStatistics } from './statistics-file.js';

const f64 = (shape: number[], ...data: number[]): NpyArray => ({
  dtype: 'float64',
  shape,
  data: Float64Array.from(data),
});

/** A .npy file from its parts. */
function npy(version: number, header: string, data: Uint8Array): Buffer {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(header),
    data,
  ]);
}

const head = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe('.npy', () => {
  it('is written as numpy does', () => {
    const bytes = Buffer.from(writeNpy(f64([2], 1, -2)));
    expect(bytes.toString('latin1', 0, 128)).toBe(
      `\x93NUMPY\x01\x00v\x00${"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`,
    );
    expect(bytes.readDoubleLE(128)).toBe(1);
    expect(bytes.readDoubleLE(136)).toBe(-2);
    expect(bytes.length).toBe(144);
  });

  it('is read in all versions and byte orders', () => {
    const big = Buffer.alloc(8);
    big.writeFloatBE(1.5, 0);
    big.writeFloatBE(-7, 4);
    for (const version of [1, 2, 3])
      expect(readNpy(npy(version, head('>f4', '(2,)'), big), 'x')).toEqual({
        dtype: 'float32',
        shape: [2],
        data: Float32Array.of(1.5, -7),
      });
    expect(readNpy(npy(1, head('>i2', '(1L, 1L)'), Uint8Array.of(1, 2)), 'x').data).toEqual(
      Int16Array.of(258),
    );
    expect(readNpy(npy(1, head('<u8', '()'), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 128)), 'x').data).toEqual(
      BigUint64Array.of(2n ** 63n + 5n),
    );
    expect(readNpy(npy(1, head('|b1', '(0, 3)'), new Uint8Array()), 'x')).toEqual({
      dtype: 'bool',
      shape: [0, 3],
      data: new Uint8Array(),
    });
  });

  it('of half precision becomes single precision, exactly', () => {
    const halves = Uint16Array.of(0x3c00, 0xc248, 0x0001, 0x7bff, 0x8000, 0x7c00, 0xfe00);
    const read = readNpy(npy(1, head('<f2', '(7,)'), Buffer.from(halves.buffer)), 'x');
    expect(read).toEqual({
      dtype: 'float32',
      shape: [7],
      data: Float32Array.of(1, -3.140625, 2 ** -24, 65504, -0, Infinity, Number.NaN),
    });
    expect(readNpy(npy(1, head('>f2', '(1,)'), Uint8Array.of(0x3c, 0)), 'x').data).toEqual(
      Float32Array.of(1),
    );
  });

  it('in Fortran order becomes row-major', () => {
    // Element (i, j, k) of shape [2, 3, 2] is 100 i + 10 j + k; the first index runs fastest in the file.
    const file: number[] = [];
    for (let k = 0; k < 2; k++)
      for (let j = 0; j < 3; j++) for (let i = 0; i < 2; i++) file.push(100 * i + 10 * j + k);
    const { data } = readNpy(npy(1, head('|u1', '(2, 3, 2)', 'True'), Uint8Array.from(file)), 'x');
    expect([...data]).toEqual([0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]);
  });

  it('that is none, damaged or a pickle is refused', () => {
    const refused = (bytes: Uint8Array, why: RegExp) => {
      expect(() => readNpy(bytes, 'a.npy')).toThrow(expect.objectContaining({ code: 'E_NPZ' }));
      expect(() => readNpy(bytes, 'a.npy')).toThrow(why);
    };
    const eight = new Uint8Array(8);
    refused(new Uint8Array(3), /no \.npy file/);
    refused(npy(4, head('<f8', '(1,)'), eight), /version 4/);
    refused(npy(1, head('|O', '(1,)'), eight), /pickled Python objects/);
    refused(npy(1, head('<f16', '(1,)'), eight), /type <f16; known are float16, float64/);
    refused(npy(1, head('<c8', '(1,)'), eight), /type <c8/);
    refused(npy(1, head('<f8', '(2,)'), eight), /takes 16 bytes, and 8 follow/);
    refused(npy(1, head('<f8', '(99999999999, 99999999999)'), eight), /and 8 follow/);
    refused(npy(1, head('<f8', `(${'1,'.repeat(65)})`), eight), /no usable shape/);
    refused(npy(1, head('<f8', '(1'), eight), /no plain element type/);
    refused(
      npy(1, "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", eight),
      /no plain element/,
    );
    const long = npy(2, head('<f8', '(1,)'), eight);
    long.writeUInt32LE(0xffffffff, 8);
    refused(long, /header would be 4294967295/);
  });

  it('is not written from what does not fit', () => {
    expect(() => writeNpy(f64([3], 1, 2))).toThrow(expect.objectContaining({ code: 'E_NPZ' }));
    expect(() => writeNpy({ dtype: 'int64', shape: [1], data: Float64Array.of(1) })).toThrow(/BigInt64Array/);
  });
});

describe('.npz', () => {
  const arrays = {
    mu: f64([2], 0.1, -0),
    scalar: f64([], 3),
    flags: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
    counts: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 60n)) },
  } as const;

  it('comes back as written, the same bytes each time', async () => {
    const bytes = await writeNpz(arrays);
    expect(await readNpz(bytes)).toEqual(arrays);
    expect(await writeNpz(arrays)).toEqual(bytes);
    // 1980-01-01 00:00, as numpy.
    expect(Buffer.from(bytes).readUInt32LE(10)).toBe(0x00210000);
  });

  it('is known by what it is not', async () => {
    for (const [start, what] of [
      ['\x80\x04N.', /ref\.npz: is a pickle, and a \.npz file is needed/],
      ['\x93NUMPY\x01\0', /is a single array \(\.npy\)/],
      ['<!DOCTYPE html>', /is a page/],
    ] as const)
      await expect(readNpz(Buffer.from(start, 'latin1'), 'ref.npz')).rejects.toThrow(what);
  });

  it('cut off, damaged or foreign is refused', async () => {
    const bytes = Buffer.from(await writeNpz(arrays));
    const refused = (broken: Uint8Array) =>
      expect(readNpz(broken, 'ref.npz')).rejects.toMatchObject({
        code: 'E_NPZ',
        message: expect.stringMatching(/^ref\.npz/),
      });
    for (let length = 0; length < bytes.length; length += 97) await refused(bytes.subarray(0, length));
    const flipped = Buffer.from(bytes);
    flipped[170]! ^= 1;
    await refused(flipped);
    await expect(readNpz(flipped)).rejects.toThrow(/mu\.npy: its bytes do not match their checksum/);
  });

  it('is not unpacked without bound', async () => {
    // The directory says that the entries unpack to 2 GiB, or to 0.6 GiB each: refused before anything is unpacked.
    const claiming = async (names: string[], size: number) => {
      const bytes = Buffer.from(await writeNpz(Object.fromEntries(names.map((name) => [name, arrays.mu]))));
      let at = -1;
      while ((at = bytes.indexOf('PK\x01\x02', at + 1, 'latin1')) >= 0) {
        bytes.writeUInt16LE(8, at + 10);
        bytes.writeUInt32LE(size, at + 24);
      }
      return readNpz(bytes);
    };
    await expect(claiming(['mu'], 2 ** 31)).rejects.toThrow(/2147483648 bytes/);
    await expect(claiming(['mu', 'sigma'], 200 * 2 ** 20)).rejects.toThrow(/unpack to 419430400 bytes/);
  });
});

describe('statistics in a file', () => {
  const given = { mu: Float64Array.of(1, 2), sigma: Float64Array.of(4, 1, 1, 9) };

  it('come back as written', async () => {
    const bytes = await writeStatistics(given);
    expect(await readStatistics(bytes)).toEqual(given);
    expect(await readNpz(bytes)).toEqual({ mu: f64([2], 1, 2), sigma: f64([2, 2], 4, 1, 1, 9) });
  });

  it('are read from a path, and nothing else that lies beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fewstep-npz-'));
    const zip = new ZipFile();
    const others = {
      arr_0: npy(1, head('|u1', '(2147483648,)'), new Uint8Array()),
      split: npy(1, head('<U4', '()'), Buffer.alloc(16)),
      meta: npy(1, head('|O', '()'), Buffer.from('80024e2e', 'hex')),
    };
    const [mu, sigma] = [writeNpy(f64([2], 1, 2)), writeNpy(f64([2, 2], 4, 1, 1, 9))].map(Buffer.from);
    for (const [name, bytes] of Object.entries({ ...others, mu, sigma }))
      zip.addBuffer(bytes!, `${name}.npy`, { compress: name === 'arr_0' });
    zip.end();
    const bytes = await buffer(zip.outputStream);
    // the first is 2 GiB long, as the directory says
    bytes.writeUInt32LE(2 ** 31, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    const path = join(folder, 'ref.npz');
    await writeFile(path, bytes);
    expect(await readStatistics(path)).toEqual(given);
    await expect(readNpz(path)).rejects.toThrow(/unpack to 2147\d+ bytes/);
    await rm(folder, { recursive: true });
  });

  it('may be numbers of any type, in Fortran order', async () => {
    const i4 = (shape: number[], ...data: number[]): NpyArray => ({
      dtype: 'int32',
      shape,
      data: Int32Array.from(data),
    });
    const bytes = await writeNpz({ mu: i4([2], 1, 2), sigma: i4([2, 2], 4, 1, 1, 9) });
    expect(await readStatistics(bytes)).toEqual({
      mu: Float64Array.of(1, 2),
      sigma: Float64Array.of(4, 1, 1, 9),
    });
  });

  it('are of as many features as their headers say, and no more are unpacked', async () => {
    const claiming = async (mu: string, sigma: string) => {
      const zip = new ZipFile();
      zip.addBuffer(npy(1, head('<f8', mu), new Uint8Array(8 * 6000)), 'mu.npy');
      zip.addBuffer(npy(1, head('<f8', sigma), new Uint8Array(2 ** 17)), 'sigma.npy');
      zip.end();
      const bytes = await buffer(zip.outputStream);
      // the directory says, too, that sigma is as long as its header does
      const length = 8 * 6000 ** 2 + head('<f8', sigma).length + 10;
      const entry = bytes.lastIndexOf('PK\x01\x02', undefined, 'latin1');
      bytes.writeUInt32LE(length, entry + 24);
      return readStatistics(bytes, 'ref.npz');
    };
    await expect(claiming('(6000,)', '(6000, 6000)')).rejects.toMatchObject({
      code: 'E_STATISTICS',
      message: expect.stringMatching(/of 6000 features, and those of at most 5000/),
    });
    await expect(claiming('(6000,)', '(6000, 5999)')).rejects.toThrow(
      /takes \d+ bytes, and 288000000 follow/,
    );
  });

  it('are checked', async () => {
    const refused = async (npz: Record<string, NpyArray>, why: RegExp) => {
      const reading = readStatistics(await writeNpz(npz), 'ref.npz');
      await expect(reading).rejects.toMatchObject({
        code: 'E_STATISTICS',
        message: expect.stringMatching(why),
      });
    };
    await refused({ m: f64([2], 1, 2), s: f64([0]) }, /"mu" and "sigma", and it holds m, s/);
    await refused({ mu: f64([1, 2], 1, 2), sigma: f64([2, 2], 4, 1, 1, 9) }, /\[1, 2\] and \[2, 2\]/);
    await refused(
      { mu: f64([2], 1, 2), sigma: f64([4], 4, 1, 1, 9) },
      /do not fit together: \[2\] and \[4\]/,
    );
    await refused({ mu: f64([2], 1, NaN), sigma: f64([2, 2], 4, 1, 1, 9) }, /entry 1 of mu is NaN/);
    await refused({ mu: f64([2], 1, 2), sigma: f64([2, 2], 4, 1, 2, 9) }, /not symmetric/);
  });
});

it('tells the statistics of a file apart by what stands before their names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-npz-'));
  const path = join(folder, 'both.npz');
  const one = (mean: number) => ({ mu: f64([1], mean), sigma: f64([1, 1], 2) });
  const { mu, sigma } = one(7);
  const two = { 'fid.mu': f64([2], 1, 2), 'fid.sigma': f64([2, 2], 1, 0, 0, 1) };
  await writeFile(path, await writeNpz({ ...two, 'a.mu': mu, 'a.sigma': sigma, 'b.mu': mu, submu: mu }));
  expect(await statisticsIn(path)).toEqual([
    { prefix: 'fid.', dim: 2 },
    { prefix: 'a.', dim: 1 },
  ]);
  expect((await readStatistics(path, path, 'a.')).mu).toEqual(Float64Array.of(7));
  await expect(readStatistics(path, path, 'b.')).rejects.toMatchObject({
    code: 'E_STATISTICS',
    message: expect.stringMatching(/are arrays "b\.mu" and "b\.sigma", and it holds fid\.mu, /),
  });
  await writeFile(path, await writeNpz(one(3)));
  expect(await statisticsIn(path)).toEqual([{ prefix: '', dim: 1 }]);
  await rm(folder, { recursive: true });
});
