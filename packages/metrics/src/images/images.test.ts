import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { rmse, rmseOf } from '../rmse.js';
import { openZip } from '../zip.js';
import { imageGrid } from './image-grid.js';
import { imagePath } from './image-names.js';
import { decodeImage, encodePng } from './png.js';
import { countImages, readImages } from './read-images.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A 2 × 2 grey image of one value. */
const grey = (value: number) =>
  encodePng({ data: new Uint8Array(4).fill(value), channels: 1, height: 2, width: 2 });

async function zipOf(
  name: string,
  files: Record<string, Uint8Array | string>,
  compress = false,
): Promise<string> {
  const zip = new ZipFile();
  for (const [file, bytes] of Object.entries(files))
    zip.addBuffer(Buffer.from(bytes as string), file, { compress });
  zip.end();
  const path = join(folder, name);
  await writeFile(path, await buffer(zip.outputStream));
  return path;
}

async function folderOf(name: string, files: Record<string, Uint8Array | string>): Promise<string> {
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, file)), { recursive: true });
    await writeFile(join(folder, name, file), bytes);
  }
  return join(folder, name);
}

async function read(path: string, options = {}) {
  const batches = [];
  for await (const batch of readImages(path, options)) batches.push(batch);
  return batches;
}

const failure = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

describe('imageGrid', () => {
  it('sets floor(√n) images in a row and leaves the rest black', () => {
    const grid = imageGrid({ data: Uint8Array.of(1, 2, 3, 4, 5), n: 5, channels: 1, height: 1, width: 1 });
    expect(grid).toMatchObject({ channels: 3, height: 3, width: 2 });
    expect([...grid.data]).toEqual([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0]);
    const wide = { data: Uint8Array.of(1, 2, 3, 4, 5), n: 5, channels: 1, height: 1, width: 1 };
    expect(imageGrid(wide, { columns: 4 }).data.subarray(0, 8)).toEqual(
      Uint8Array.of(1, 2, 3, 4, 5, 0, 0, 0),
    );
  });

  it('keeps colours and rows apart', () => {
    // Four images of one pixel wide, two high, three colours: value = 100 image + 10 colour + row.
    const data = Uint8Array.from(
      { length: 24 },
      (_, i) => 60 * Math.floor(i / 6) + 10 * (Math.floor(i / 2) % 3) + (i % 2),
    );
    const grid = imageGrid({ data, n: 4, channels: 3, height: 2, width: 1 });
    expect([...grid.data.subarray(8, 16)]).toEqual([10, 70, 11, 71, 130, 190, 131, 191]);
  });

  it('refuses data that does not fit', () => {
    const bad = { data: new Uint8Array(5), n: 2, channels: 1, height: 1, width: 3 };
    expect(() => imageGrid(bad)).toThrow(expect.objectContaining({ code: 'E_IMAGES' }));
    expect(() => imageGrid({ ...bad, n: 1, channels: 5, width: 1 })).toThrow(/and 5/);
    expect(() => imageGrid({ ...bad, n: 5, width: 1 }, { columns: 0 })).toThrow(/not 0/);
  });
});

describe('PNG', () => {
  it('gives back the pixels, in one colour or three', async () => {
    for (const channels of [1, 3]) {
      const image = {
        data: Uint8Array.from({ length: channels * 15 }, (_, i) => (i * 37) % 256),
        channels,
        height: 3,
        width: 5,
      };
      const bytes = await encodePng(image);
      // Colour type of the header: 0 grey, 2 RGB.
      expect(bytes[25]).toBe(channels === 1 ? 0 : 2);
      expect(await encodePng(image)).toEqual(bytes);
      expect(await decodeImage(bytes, 'x')).toEqual(image);
    }
    await expect(
      encodePng({ data: new Uint8Array(2), channels: 2, height: 1, width: 1 }),
    ).rejects.toMatchObject(failure('E_IMAGES', /not 2/));
  });

  it('is refused where it would not be 8-bit grey or RGB', async () => {
    const raw = (channels: 2 | 4) =>
      sharp(new Uint8Array(channels), { raw: { width: 1, height: 1, channels } });
    await expect(decodeImage(await raw(4).png().toBuffer(), 'a.png')).rejects.toMatchObject(
      failure('E_IMAGES', /^a\.png: has an alpha channel/),
    );
    const deep = await sharp(Uint16Array.of(1, 2, 3), { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    await expect(decodeImage(deep, 'b.png')).rejects.toMatchObject(
      failure('E_IMAGES', /^b\.png: has samples of type ushort/),
    );
    await expect(decodeImage(Buffer.from('no image'), 'c.png')).rejects.toMatchObject(
      failure('E_IMAGES', /^c\.png: can't be decoded/),
    );
    // A small file that claims 40,000 × 40,000 pixels.
    const bomb = Buffer.from(
      await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    );
    bomb.writeUInt32BE(40_000, 16);
    bomb.writeUInt32BE(40_000, 20);
    await expect(decodeImage(bomb, 'd.png')).rejects.toMatchObject(
      failure('E_IMAGES', /^d\.png.*pixel limit/),
    );
  });

  it('goes to the folder and name of its seed', async () => {
    expect(imagePath(17)).toBe('000000/000017.png');
    expect(imagePath(1234567)).toBe('1234000/1234567.png');
    expect(imagePath(49999, { subdirs: false })).toBe('049999.png');
    expect(() => imagePath(-1)).toThrow(expect.objectContaining({ code: 'E_IMAGES' }));
  });
});

describe('readImages', () => {
  it('reads a zip in the order of names, with labels, batch by batch', async () => {
    const path = await zipOf('set.zip', {
      'b/img2.png': await grey(30),
      'a/img1.png': await grey(20),
      'dataset.json': JSON.stringify({
        labels: [
          ['b/img2.png', 2],
          ['a/img1.png', 1],
          ['c.png', 0],
        ],
      }),
      'c.png': await grey(40),
      'a/._img1.png': 'not an image',
      'notes.txt': 'not an image',
    });
    expect(await countImages(path)).toBe(3);
    const batches = await read(path, { batch: 2 });
    expect(batches.map(({ n, names, labels }) => ({ n, names, labels }))).toEqual([
      { n: 2, names: ['a/img1.png', 'b/img2.png'], labels: [1, 2] },
      { n: 1, names: ['c.png'], labels: [0] },
    ]);
    expect(batches[0]).toMatchObject({ channels: 1, height: 2, width: 2 });
    expect([...batches[0]!.data]).toEqual([20, 20, 20, 20, 30, 30, 30, 30]);
    const some = await read(path, { numbers: [2, 0] });
    expect(some.map(({ names, labels }) => ({ names, labels }))).toEqual([
      { names: ['c.png', 'a/img1.png'], labels: [0, 1] },
    ]);
    expect([...some[0]!.data]).toEqual([40, 40, 40, 40, 20, 20, 20, 20]);
    for (const wrong of [3, -1, 0.5])
      await expect(read(path, { numbers: [0, wrong] })).rejects.toMatchObject(
        failure('E_IMAGES', new RegExp(`image ${wrong} was asked for, and there are 3`)),
      );
    await expect(read(path, { batch: 0 })).rejects.toMatchObject(failure('E_IMAGES', /not of 0/));
  });

  it('reads a folder alike, JPEG and WebP too, RGB in planes', async () => {
    const red = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 255, g: 0, b: 0 } } });
    const path = await folderOf('set', {
      'x/y/1.png': await red.png().toBuffer(),
      'x/2.JPG': await red.jpeg({ quality: 100 }).toBuffer(),
      '3.webp': await red.webp({ lossless: true }).toBuffer(),
    });
    const [batch] = await read(path);
    expect(batch!.names).toEqual(['3.webp', 'x/2.JPG', 'x/y/1.png']);
    expect(batch!.labels).toBeUndefined();
    for (let image = 0; image < 3; image++) {
      const plane = (channel: number) => batch!.data[(image * 3 + channel) * 64 + 20]!;
      expect(plane(0)).toBeGreaterThanOrEqual(253);
      expect(plane(1)).toBeLessThanOrEqual(1);
      expect(plane(2)).toBeLessThanOrEqual(1);
    }
    expect(await countImages(path)).toBe(3);
  });

  it('passes nothing over that is an image: of a kind that it does not read it says so', async () => {
    const path = await zipOf('others.zip', { 'a.png': await grey(1), 'b.BMP': 'BM', 'c.heic': '' });
    for (const look of [read, countImages])
      await expect(look(path)).rejects.toMatchObject({
        code: 'E_IMAGES',
        message: expect.stringMatching(
          /b\.BMP is an image of a kind that isn't read, as are 1 more: convert it/,
        ),
      });
    const jpeg = await zipOf('jfif.zip', { 'a.jfif': await grey(7), 'notes.txt': '' });
    expect(await countImages(jpeg)).toBe(1);
  });

  it('looks for no labels where it is told not to', async () => {
    const path = await zipOf('unlabelled.zip', { 'a.png': await grey(1), 'dataset.json': '{"labels": [,]}' });
    await expect(read(path)).rejects.toThrow(/dataset\.json: is no JSON/);
    const [batch] = await read(path, { labels: false });
    expect(batch!.labels).toBeUndefined();
  });

  it('finds labels in a subfolder, and none where the list is null', async () => {
    const labels = JSON.stringify({ labels: [['1.png', [0, 0.5]]] });
    const nested = await zipOf('nested.zip', { 'top/1.png': await grey(1), 'top/dataset.json': labels });
    expect((await read(nested))[0]!.labels).toEqual([[0, 0.5]]);
    const none = await zipOf('none.zip', { '1.png': await grey(1), 'dataset.json': '{"labels": null}' });
    expect((await read(none))[0]!.labels).toBeUndefined();
  });

  it('names the file that is wrong', async () => {
    const wide = await encodePng({ data: new Uint8Array(6), channels: 1, height: 2, width: 3 });
    const colour = await encodePng({ data: new Uint8Array(12), channels: 3, height: 2, width: 2 });
    const refused = async (path: string, why: RegExp) =>
      expect(read(path)).rejects.toMatchObject(failure('E_IMAGES', why));
    const one = await grey(1);
    await refused(
      await zipOf('1.zip', { 'a.png': one, 'b.png': wide }),
      /1\.zip: b\.png: is 3×2 grey.*2×2 grey/,
    );
    await refused(await zipOf('2.zip', { 'a.png': one, 'b.png': colour }), /2\.zip: b\.png: is 2×2 RGB/);
    await refused(
      await zipOf('3.zip', { 'a.png': one, 'b.png': one.subarray(0, 50) }),
      /3\.zip: b\.png: can't be decoded/,
    );
    await refused(await zipOf('4.zip', { 'a.txt': '' }), /4\.zip: holds no PNG/);
    await refused(await folderOf('5', { 'a.png': one, 'b.png': '' }), /5: b\.png: can't be decoded/);
    await refused(join(folder, 'nowhere.zip'), /nowhere\.zip: there is no such/);
    const labelled = (json: string) => ({ 'a.png': one, 'dataset.json': json });
    await refused(await zipOf('8.zip', labelled('{')), /dataset\.json: is no JSON/);
    const two = { 'a.png': one, 'dataset.json': '{}', 'b/dataset.json': '{}' };
    await refused(await zipOf('9.zip', two), /there is another one/);
  });

  it.each([
    ['one that is missing', '[["b.png", 1]]', /has no label for a\.png/],
    [
      'a map',
      '{"a.png": 1}',
      /"labels" is a list of \[file name, class\], or null, and here it is none: write/,
    ],
    [
      'several',
      '[["b.png", 1], ["a.png", 1, 0, 1]]',
      /entry 1 of "labels", \[ 'a\.png', 1, 0, 1 \], has 3 labels/,
    ],
    ['a name', '[["a.png", "cat"]]', /entry 0 of "labels", \[ 'a\.png', 'cat' \], has no class/],
    ['a fraction', '[["a.png", 1.5]]', /entry 0 .* has no class/],
    ['no file', '[[7, 1]]', /entry 0 .* is no \[file name, class\]/],
    [
      'vectors of two lengths',
      '[["a.png", [1, 0]], ["b.png", [1]]]',
      /entry 1 .* is no label as that of entry 0/,
    ],
    ['a vector and a class', '[["a.png", [1]], ["b.png", 1]]', /entry 1 .* is no label as that of entry 0/],
    ['two of one image', '[["a.png", 1], ["a.png", 2]]', /entry 1 .* has a label already/],
    ['far more than a set has', `[${'[],'.repeat(2 ** 22)}1]`, /holds 4194305 values, and at most 4194304/],
    ['a comma too many', '[["a.png", 1],]', /is no JSON/],
  ])('names the label that is wrong: %s', async (_, labels, why) => {
    const json = `{"labels": ${labels}}`;
    const path = await zipOf('labelled.zip', { 'a.png': await grey(1), 'dataset.json': json });
    await expect(read(path)).rejects.toMatchObject(failure('E_IMAGES', why));
    await expect(read(path)).rejects.toThrow(/labelled\.zip: dataset\.json: /);
    expect(await read(path, { labels: false })).toHaveLength(1);
  });

  it('takes no JSON of another kind for a list of labels', async () => {
    const path = await zipOf('other.zip', { 'a.png': await grey(1), 'dataset.json': '{"info": "FFHQ"}' });
    await expect(read(path)).rejects.toMatchObject(
      failure('E_IMAGES', /here it is not there: write .*, or read the images without labels/),
    );
  });

  it('refuses a zip that is cut off or damaged', async () => {
    const path = await zipOf('whole.zip', { 'a.png': await grey(1), 'b.png': await grey(2) });
    const whole = await readFile(path);
    const cut = join(folder, 'cut.zip');
    for (let length = 0; length < whole.length; length += 23) {
      await writeFile(cut, whole.subarray(0, length));
      await expect(read(cut)).rejects.toMatchObject(failure('E_IMAGES', /cut\.zip/));
    }
    whole[60]! ^= 255;
    await writeFile(cut, whole);
    await expect(read(cut)).rejects.toMatchObject(
      failure('E_IMAGES', /cut\.zip: a\.png: its bytes do not match/),
    );
  });

  it('unpacks no entry beyond its bound', async () => {
    const path = await zipOf('bomb.zip', { 'a.png': new Uint8Array(100_000) }, true);
    const zip = await openZip(path, 'bomb.zip', 'E_IMAGES');
    await expect(zip.entries[0]!.read(99_999)).rejects.toMatchObject(
      failure('E_IMAGES', /would be 100000 bytes/),
    );
    zip.close();
    expect(await read(await zipOf('fine.zip', { 'a.png': await grey(3) }, true))).toHaveLength(1);
    // The directory lies about the length: reading stops there.
    const bytes = await readFile(path);
    bytes.writeUInt32LE(10, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    await writeFile(path, bytes);
    await expect(read(path)).rejects.toMatchObject(failure('E_IMAGES', /bomb\.zip: a\.png: can't be read/));
  });

  it('refuses a file that is far longer than its image, and what shares its bytes with another', async () => {
    const one = await grey(1);
    const padded = Buffer.concat([one, new Uint8Array(2 ** 24)]);
    const path = await zipOf('padded.zip', { 'a.png': padded }, true);
    await expect(read(path)).rejects.toMatchObject(
      failure('E_IMAGES', /a\.png: has 16777\d+ bytes, and an image of 2×2 has at most 8388616/),
    );
    // one beside it in a set is not even unpacked
    await expect(
      read(await zipOf('second.zip', { 'a.png': one, 'b.png': padded }, true)),
    ).rejects.toMatchObject(failure('E_IMAGES', /b\.png: would be 16777\d+ bytes long, and at most 8388616/));
    await expect(read(await folderOf('padded', { 'a.png': one, 'b.png': padded }))).rejects.toMatchObject(
      failure('E_IMAGES', /b\.png: has 16777\d+ bytes/),
    );

    const shared = await readFile(await zipOf('shared.zip', { 'a.png': one, 'b.png': one }));
    shared.writeUInt32LE(0, shared.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 42);
    const twice = await readFile(await zipOf('twice.zip', { 'a.png': one, 'b.png': one }));
    twice[twice.lastIndexOf('b.png')] = 97;
    for (const [bytes, why] of [
      [shared, /two of its files share byte 0/],
      [twice, /two files named a\.png/],
    ] as const) {
      await writeFile(path, bytes);
      await expect(read(path)).rejects.toMatchObject(failure('E_IMAGES', why));
    }
  });

  it('holds no more than 128 MiB of a batch, the same images in their order', async () => {
    const black = { data: new Uint8Array(2 ** 24), channels: 1, height: 4096, width: 4096 };
    const bytes = await encodePng(black);
    const names = Array.from({ length: 9 }, (_, i) => `${i}.png`);
    const path = await zipOf('large.zip', Object.fromEntries(names.map((name) => [name, bytes])));
    const sizes = [];
    for await (const batch of readImages(path)) sizes.push([batch.n, ...batch.names]);
    expect(sizes).toEqual([
      [8, ...names.slice(0, 8)],
      [1, names[8]],
    ]);
  });

  it.runIf(process.platform !== 'win32')('opens nothing that is no file', async () => {
    const pipe = join(await folderOf('pipes', { 'a.png': await grey(1) }), 'b.png');
    execFileSync('mkfifo', [pipe]);
    for (const [path, evidence] of [
      [join(folder, 'pipes'), { entry: 'b.png' }],
      [pipe, { found: 'a pipe' }],
      ['/dev/zero', { found: 'a device' }],
    ] as const)
      await expect(read(path)).rejects.toMatchObject({ code: 'E_IMAGES', evidence });
  });

  it('says what a file is that is no zip, and no image', async () => {
    const path = join(folder, 'set.pkl');
    await writeFile(path, Buffer.from('\x80\x02}.', 'latin1'));
    await expect(read(path)).rejects.toMatchObject(
      failure('E_IMAGES', /set\.pkl: is a pickle, and a zip or folder of images is needed/),
    );
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>';
    await expect(read(await folderOf('svg', { 'a.png': svg }))).rejects.toMatchObject(
      failure('E_IMAGES', /a\.png: can't be decoded: it is a page \(HTML or XML\)/),
    );
  });
});

describe('rmse', () => {
  it('is the root of the mean square difference of bytes', () => {
    expect(rmse(Uint8Array.of(0, 10, 255), Uint8Array.of(2, 10, 250))).toBe(Math.sqrt(29 / 3));
    expect(() => rmse(new Uint8Array(2), new Uint8Array(3))).toThrow(
      expect.objectContaining({ code: 'E_IMAGES' }),
    );
    expect(() => rmse(new Uint8Array(0), new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'E_IMAGES' }),
    );
  });

  it('varies over images by what each of them is off', () => {
    // mean squares of three images of two bytes: 2, 17 and 0.5
    const [a, b] = [Uint8Array.of(0, 10, 7, 8, 1, 1), Uint8Array.of(2, 10, 2, 5, 1, 2)];
    const parts: [Uint8Array, Uint8Array, number][] = [
      [a.subarray(0, 4), b.subarray(0, 4), 2],
      [a.subarray(4), b.subarray(4), 2],
    ];
    const mean = (2 + 17 + 0.5) / 3;
    const variance = ((2 - mean) ** 2 + (17 - mean) ** 2 + (0.5 - mean) ** 2) / 2;
    const { rmse, standardError } = rmseOf(parts);
    expect(rmse).toBeCloseTo(Math.sqrt(mean), 14);
    expect(standardError).toBeCloseTo(Math.sqrt(variance / 3) / (2 * Math.sqrt(mean)), 14);
    expect(rmseOf([[a, a, 2]])).toEqual({ rmse: 0, standardError: 0 });
    expect(rmseOf([[a, b, 6]]).standardError).toBeUndefined();
    expect(() => rmseOf([])).toThrow(expect.objectContaining({ code: 'E_IMAGES' }));
  });
});
