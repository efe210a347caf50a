import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { transformer } from './images/data-set/transform.js';
import type { Image } from './images/images.js';
import { decodeImage } from './images/png.js';
import { type Npz, readNpz } from './npz/npz.js';
import { type ResizeFilter, resize } from './resize.js';

let made: Npz;
beforeAll(async () => {
  made = await readNpz(await readFile(new URL('../fixtures/pillow.npz', import.meta.url)));
});

/** One of numpy's images, whose colours are its last axis. */
function imageOf(name: string): Image {
  const { data, shape } = made[name]!;
  const [height = 0, width = 0, channels = 1] = shape;
  const planes = Uint8Array.from({ length: data.length }, (_, i) =>
    Number(data[(i % (height * width)) * channels + Math.floor(i / (height * width))]),
  );
  return { data: planes, channels, height, width };
}

/** What Pillow made by a filter or crop: each with its source, its size and its name. */
function madeBy(name: string) {
  const found = Object.keys(made).flatMap((key) => {
    const [, width, height, source] = /^-(\d+)x(\d+)-of-(.*)$/.exec(key.slice(name.length)) ?? [];
    if (!key.startsWith(name) || source === undefined) return [];
    return [{ key, width: Number(width), height: Number(height), source: imageOf(source) }];
  });
  expect(found.length).toBeGreaterThan(2);
  return found;
}

/** Grey is one channel, also where Pillow has an image of colours for it. */
const same = (image: Image | undefined, key: string) =>
  expect({ key, ...image }).toEqual({ key, ...imageOf(key) });

describe('resize', () => {
  it.each(['box', 'bilinear', 'bicubic', 'lanczos'] as ResizeFilter[])(
    'is Pillow’s to the byte: %s',
    (filter) => {
      for (const { key, width, height, source } of madeBy(filter))
        same(resize(source, width, height, filter), key);
    },
  );

  it('refuses sizes that are none', () => {
    const image = { data: new Uint8Array(6), channels: 1, height: 2, width: 3 };
    for (const [width, height] of [
      [0, 4],
      [4, 1.5],
      [4097, 4],
    ] as const)
      expect(() => resize(image, width, height, 'box')).toThrow(
        expect.objectContaining({ code: 'E_IMAGES', evidence: { width, height } }),
      );
    expect(() => resize({ ...image, width: 4 }, 2, 2, 'box')).toThrow(/are 8 bytes, and there are 6/);
  });
});

it.each(['420', '444'])('a JPEG file is decoded as by Pillow: %s', async (kind) => {
  const { data } = made[`jpeg-${kind}`]!;
  same(await decodeImage(Uint8Array.from(data as Uint8Array), 'x.jpg'), `decoded-jpeg-${kind}`);
});

describe('transformer', () => {
  it.each(['center-crop', 'center-crop-wide'] as const)('%s is the official one', (crop) => {
    for (const { key, width, height, source } of madeBy(crop))
      same(transformer({ crop, width, height })(source), key);
  });

  it('center-crop-wide leaves out what is smaller, its height rounded as numpy rounds', () => {
    const wide = (width: number, height: number) => {
      const image = { data: new Uint8Array(width * height), channels: 1, height, width };
      return transformer({ crop: 'center-crop-wide', width: 10, height: 5 })(image);
    };
    expect(wide(9, 9)).toBeUndefined();
    expect(wide(20, 9)).toBeUndefined(); // 4.5 rows are 4
    expect(wide(20, 11)).toMatchObject({ channels: 3, height: 10, width: 10 }); // 5.5 are 6
  });

  it('without a crop keeps the colour, and untold the image', () => {
    const image = { data: Uint8Array.of(0, 100, 200, 50), channels: 1, height: 2, width: 2 };
    expect(transformer(undefined)(image)).toBe(image);
    expect(transformer({ width: 1, height: 1, filter: 'box' })(image)).toEqual({
      data: Uint8Array.of(88),
      channels: 1,
      height: 1,
      width: 1,
    });
    expect(() => transformer({ crop: 'center-crop-wide', width: 4, height: 8 })).toThrow(/not 4×8/);
  });
});
