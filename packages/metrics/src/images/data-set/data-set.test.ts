import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { openZip } from '../../zip.js';
import { encodePng } from '../png.js';
import { readImages } from '../read-images.js';
import { type DataSetSummary, dataSetZip } from './data-set-zip.js';
import { openSource, type SourceOptions } from './source.js';
import { type StoredFile, storedZip } from './stored-zip.js';
import type { Transform } from './transform.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fewstep-data-set-'));
});
afterAll(() => rm(root, { recursive: true }));

type Bytes = Uint8Array | string;

async function put(name: string, bytes: Bytes): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

async function folderOf(name: string, files: Readonly<Record<string, Bytes>>): Promise<string> {
  for (const [file, bytes] of Object.entries(files)) await put(join(name, file), bytes);
  return join(root, name);
}

/** A grey image of one value. */
const grey = (value: number, width = 2, height = 2) =>
  encodePng({ data: new Uint8Array(width * height).fill(value), channels: 1, height, width });

async function list(path: string, options?: SourceOptions) {
  const found = [];
  for await (const one of (await openSource(path, options)).images()) found.push(one);
  return found;
}
/** The first byte and the label of each. */
const told = async (path: string, options?: SourceOptions) =>
  (await list(path, options)).map(({ image, label }) => [image.data[0], label]);

const refused = (path: string, why: RegExp) =>
  expect(list(path)).rejects.toMatchObject({ code: 'E_IMAGES', message: expect.stringMatching(why) });

/** A tar of files, or of entries of another type. */
function tarOf(
  files: readonly (readonly [name: string, content: Bytes, type?: string, size?: string])[],
): Buffer {
  const blocks = files.flatMap(([name, content, type = '0', size]) => {
    const bytes = Buffer.from(content as string);
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write(size ?? bytes.length.toString(8).padStart(11, '0'), 124, 'latin1');
    header.fill(' ', 148, 156);
    header.write(type, 156, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return [header, bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Two images of CIFAR-10's binary: classes c and 9 − c, of bytes 10 c + 1, 2. */
const batch = (c: number) =>
  Buffer.concat([0, 1].map((i) => Buffer.from([i ? 9 - c : c, ...Array(3072).fill(10 * c + i + 1)])));
const five = [1, 2, 3, 4, 5];
const fiveRead = five.flatMap((c) => [
  [10 * c + 1, c],
  [10 * c + 2, 9 - c],
]);

describe('a folder', () => {
  it('is taken as Python sorts paths, with the numbers of its folders as labels', async () => {
    const files = { 'b/0.png': 1, 'a-b/0.png': 2, 'a/z/1.png': 3, 'a/b.png': 4, '0.png': 5 };
    const pngs = Object.entries(files).map(async ([name, value]) => [name, await grey(value)] as const);
    const folder = await folderOf('plain', Object.fromEntries(await Promise.all(pngs)));
    // of a name that is before another only as text: "a-b/0.png" < "a/b.png"
    expect(await told(folder)).toEqual([
      [5, 0],
      [4, 1],
      [3, 1],
      [2, 2],
      [1, 3],
    ]);
    await rm(join(folder, '0.png'));
    for (const one of ['a-b', 'b']) await rm(join(folder, one), { recursive: true });
    expect(await told(folder)).toEqual([
      [4, undefined],
      [3, undefined],
    ]);
  });

  it('has the labels of its dataset.json, and of one that says null none', async () => {
    const labels = [
      ['a/1.png', 7],
      ['b/1.png', 3],
    ];
    const folder = await folderOf('labelled', {
      'a/1.png': await grey(1),
      'b/1.png': await grey(2, 5),
      'dataset.json': JSON.stringify({ labels }),
    });
    expect(await told(folder)).toEqual([
      [1, 7],
      [2, 3],
    ]);
    await put('labelled/dataset.json', '{"labels": null}');
    expect(await told(folder)).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
  });
});

describe('CIFAR-10', () => {
  const named = (ending: string) =>
    [...five].reverse().map((c) => [`cifar-10/data_batch_${c}${ending}`, batch(c)] as const);

  it('is five batches, wherever they stand in a tar, and whatever stands beside them', async () => {
    const tar = tarOf([
      ['data_batch_1.bin', '/etc/passwd', '2'],
      ...named('.bin').slice(0, 3),
      ['../../test_batch.bin', batch(0)],
      ...named('.bin').slice(3),
    ]);
    expect(await told(await put('binary.tar.gz', gzipSync(tar)))).toEqual(fiveRead);
    expect(await told(await put('binary.tar', tar))).toEqual(fiveRead);
    const [first] = await list(join(root, 'binary.tar'));
    expect(first).toMatchObject({
      name: expect.stringMatching(/binary\.tar: data_batch_1\.bin: image 0$/),
      image: { channels: 3, height: 32, width: 32, data: { length: 3072 } },
    });
  });

  it('is a folder of them, or a single one', async () => {
    const folder = await folderOf('batches', Object.fromEntries(named('.bin')));
    expect(await told(join(folder, 'cifar-10'))).toEqual(fiveRead);
    expect(await told(join(folder, 'cifar-10/data_batch_3.bin'))).toEqual(fiveRead.slice(4, 6));
    await rm(join(folder, 'cifar-10/data_batch_4.bin'));
    await refused(join(folder, 'cifar-10'), /data_batch_4\.bin: there is no such batch of CIFAR-10/);
  });

  it('is read from pickles by what can read them', async () => {
    const path = await put('python.tar.gz', gzipSync(tarOf(named(''))));
    await refused(path, /data_batch_1: is a pickle, which isn't read here: take cifar-10-binary\.tar\.gz/);
    const readBatch = (bytes: Uint8Array) => ({
      data: Buffer.concat([bytes.subarray(1, 3073), bytes.subarray(3074)]),
      labels: [bytes[0]!, bytes[3073]!],
    });
    expect(await told(path, { readBatch })).toEqual(fiveRead);
    const short = (bytes: Uint8Array) => ({ data: bytes, labels: [0] });
    await expect(list(path, { readBatch: short })).rejects.toThrow(/has 6146 bytes of images and 1 labels/);
  });

  it.each([
    ['cut off', () => tarOf(named('.bin')).subarray(0, 9000), /is cut off in data_batch_4\.bin/],
    [
      'packed and cut off',
      () => gzipSync(tarOf(named('.bin'))).subarray(0, -99),
      /can't be read \(unexpected end/,
    ],
    ['without a batch', () => tarOf(named('.bin').slice(1)), /has no data_batch_5\.bin/],
    [
      'with two of one name',
      () => tarOf([...named('.bin'), ['x/data_batch_5.bin', '']]),
      /has two files named/,
    ],
    [
      'that claims to be long',
      () => tarOf([['x', '', '0', '77777777777']]),
      /holds more than 268435456 bytes/,
    ],
    [
      'with a long batch',
      () => tarOf([['data_batch_1', '', '0', '00600000000']]),
      /has 100663296 bytes, and at most/,
    ],
    ['of no size', () => tarOf([['data_batch_1', '', '0', '\x80']]), /byte 0 of the tar is no header/],
    [
      'damaged',
      () => Buffer.concat([tarOf(named('.bin').slice(0, 1)).subarray(0, -1024), Buffer.alloc(512, 'x')]),
      /byte 7168 of the tar is no header/,
    ],
    [
      'of other records',
      () => tarOf(five.map((c) => [`data_batch_${c}.bin`, 'x'.repeat(3074)])),
      /has 3074 bytes, and a batch of CIFAR-10 has 3073 for each/,
    ],
    [
      'of other classes',
      () => tarOf(five.map((c) => [`data_batch_${c}.bin`, 'x'.repeat(3073)])),
      /image 0 is of class 120, and CIFAR-10 has 0 to 9/,
    ],
  ])('is refused %s', async (name, tar, why) => {
    await refused(await put(`${name}.tar`, tar()), why);
  });
});

describe('MNIST', () => {
  const head = (...values: number[]) =>
    Buffer.from(values.flatMap((value) => [0, 0, value >> 8, value & 255]));
  const pixels = Buffer.from(Array.from({ length: 2 * 784 }, (_, i) => (i < 784 ? 9 : 1 + (i % 28))));
  const images = Buffer.concat([head(0x803, 2, 28, 28), pixels]);
  const labels = Buffer.concat([head(0x801, 2), Buffer.from([7, 2])]);
  const pair = async (folder: string, idx3: Uint8Array, idx1: Uint8Array) => {
    await put(`${folder}/train-labels-idx1-ubyte.gz`, gzipSync(idx1));
    return put(`${folder}/train-images-idx3-ubyte.gz`, gzipSync(idx3));
  };

  it('is read with its labels, grey, and a black rim around it', async () => {
    const found = await list(await pair('mnist', images, labels));
    expect(found.map(({ label }) => label)).toEqual([7, 2]);
    const { data, ...size } = found[1]!.image;
    expect(size).toEqual({ channels: 1, height: 32, width: 32 });
    const row = [0, 0, ...Array.from({ length: 28 }, (_, x) => 1 + x), 0, 0];
    const rows = Array.from({ length: 32 }, (_, y) => [...data.subarray(32 * y, 32 * (y + 1))]);
    expect(rows).toEqual(rows.map((_, y) => (y < 2 || y > 29 ? Array(32).fill(0) : row)));
    await put('unpacked/train-labels-idx1-ubyte', labels);
    expect(await told(await put('unpacked/train-images-idx3-ubyte', images))).toEqual([
      [0, 7],
      [0, 2],
    ]);
  });

  it('is refused where a file is not what it says', async () => {
    const other = (idx3: Uint8Array, idx1: Uint8Array, why: RegExp) =>
      pair(`other${why.source.length}`, idx3, idx1).then((path) => refused(path, why));
    await other(images.subarray(0, -1), labels, /is cut off in image 1 of 2/);
    await other(Buffer.concat([images, head(0)]), labels, /goes on after its 2 images/);
    await other(Buffer.concat([head(0x803, 3, 28, 28), pixels]), labels, /has 3 images, and .* has 2 labels/);
    await other(Buffer.concat([head(0x803, 2, 28, 29), pixels]), labels, /has images of 29×28/);
    await other(images, Buffer.concat([labels, labels]), /says that it has 2 labels, and has more/);
    await other(images, labels.subarray(0, -1), /says that it has 2 labels, and has 1$/);
    await other(images, Buffer.from('\0\0\x08\x01\xff\xff\xff\xff', 'latin1'), /is no idx1 file of at most/);
    await refused(
      await put('alone/train-images-idx3-ubyte', images),
      /there is no such file of labels, as train-labels/,
    );
    await refused(await put('digits', images), /rename it$/);
    await put('folder/train-labels-idx1-ubyte/x', '');
    await refused(await put('folder/train-images-idx3-ubyte', images), /is a folder, no file of labels/);
  });
});

it('anything else is refused with what it is', async () => {
  await refused(
    await folderOf('bedroom_lmdb', { 'data.mdb': '' }),
    /is an LMDB, as LSUN's, which isn't read/,
  );
  await refused(join(root, 'nowhere'), /there is no such file or folder of images/);
  await refused(
    await put('one.png', await grey(1)),
    /one\.png: is a PNG image, and a set is made of a folder or zip/,
  );
  await refused(await put('empty', ''), /is an empty file/);
});

/** Makes a set; its path and what became of it. */
async function made(source: string, transform?: Transform) {
  const chunks: Uint8Array[] = [];
  const bytes = dataSetZip((await openSource(join(root, source))).images(), transform);
  let summary: DataSetSummary | undefined;
  while (!summary) {
    const { value, done } = await bytes.next();
    if (done) summary = value;
    else chunks.push(value);
  }
  return { path: await put(`${source}.made.zip`, Buffer.concat(chunks)), summary };
}

describe('a set', () => {
  it('is read back with its labels, and is the same each time and made anew', async () => {
    await folderOf('mixed', { 'a/x.png': await grey(50, 4, 2), 'b/y.png': await grey(60, 2, 2) });
    const { path, summary } = await made('mixed', { width: 3, height: 2 });
    expect(summary).toEqual({ images: 2, channels: 1, height: 2, width: 3, labelled: true, leftOut: 0 });
    for await (const { n, names, labels, data } of readImages(path))
      expect({ n, names, labels, data: [...data] }).toEqual({
        n: 2,
        names: ['00000/img00000000.png', '00000/img00000001.png'],
        labels: [0, 1],
        data: [...Array(6).fill(50), ...Array(6).fill(60)],
      });
    const bytes = await readFile(path);
    expect((await readFile((await made('mixed.made.zip')).path)).equals(bytes)).toBe(true);
    // nothing is packed, neither by the zip nor by its PNG, as EDM has it
    const zip = await openZip(path, path, 'E_IMAGES');
    const [png] = await Promise.all(zip.entries.map((entry) => entry.read(2 ** 20)));
    zip.close();
    expect(bytes.includes(png!)).toBe(true);
    expect(png!.includes(Buffer.from([0, 50, 50, 50, 0, 50, 50, 50]))).toBe(true); // a filter's number before each row
    expect(bytes.toString('latin1')).toContain(
      '{"labels":[["00000/img00000000.png",0],["00000/img00000001.png",1]]}',
    );
  });

  it('keeps the numbers of what a crop leaves out', async () => {
    await folderOf('small', {
      '1.png': await grey(1, 3, 9),
      '2.png': await grey(2, 8, 8),
      '3.png': await grey(3, 8, 8),
    });
    const { path, summary } = await made('small', {
      crop: 'center-crop-wide',
      width: 4,
      height: 2,
    });
    expect(summary).toEqual({ images: 2, channels: 3, height: 4, width: 4, labelled: false, leftOut: 1 });
    for await (const { names, labels } of readImages(path)) {
      expect(names).toEqual(['00000/img00000001.png', '00000/img00000002.png']);
      expect(labels).toBeUndefined();
    }
    const large: Transform = { crop: 'center-crop-wide', width: 64, height: 48 };
    await expect(made('small', large)).rejects.toThrow(/all 3 images are smaller/);
  });

  it('is of one size and colour, or the image is named that is not', async () => {
    await folderOf('sizes', { '1.png': await grey(1), '2.png': await grey(1, 3) });
    await expect(made('sizes')).rejects.toMatchObject({
      code: 'E_IMAGES',
      message: expect.stringMatching(/sizes: 2\.png: would be 3×2 grey, and the first image is 2×2 grey/),
      evidence: { found: '3×2 grey', expected: '2×2 grey' },
    });
  });
});

it('a zip of more files than its old form counts is one that is read', async () => {
  const count = 65_535; // what stands there where the count is elsewhere
  async function* files(): AsyncGenerator<StoredFile, void> {
    for (let i = 0; i < count; i++) yield { name: `${i}`, data: Buffer.of(i & 255) };
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of storedZip(files())) chunks.push(chunk);
  const zip = await fromBufferPromise(Buffer.concat(chunks), { lazyEntries: true });
  expect(zip.entryCount).toBe(count);
  const first = await new Promise((found) => zip.once('entry', found).readEntry());
  expect(first).toMatchObject({ fileName: '0', uncompressedSize: 1, relativeOffsetOfLocalHeader: 0 });
});
