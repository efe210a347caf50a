import { readFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { clipImages } from './clip-images.js';
import type { Image } from './images/images.js';
import { type Npz, readNpz } from './npz/npz.js';

let made: Npz;
beforeAll(async () => {
  made = await readNpz(await readFile(new URL('../fixtures/clip.npz', import.meta.url)));
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

it('are what Pillow gives to the byte, larger and smaller, each as alone', () => {
  const names = Object.keys(made).filter((name) => !name.startsWith('image-'));
  expect(names).toHaveLength(24);
  for (const name of names) {
    const [size, source = ''] = name.split('-of-');
    const [image, shown] = [imageOf(source), imageOf(name)];
    const upsideDown = image.data.toReversed();
    const data = Uint8Array.from([...upsideDown, ...image.data]);
    const both = clipImages({ ...image, data, n: 2 }, Number(size));
    expect({ name, ...both }).toEqual({ name, ...shown, n: 2, data: both.data });
    expect(both.data.subarray(shown.data.length)).toEqual(shown.data);
    expect(clipImages({ ...image, data: upsideDown, n: 1 }, Number(size)).data).toEqual(
      both.data.subarray(0, shown.data.length),
    );
  }
});

it('refuses what would be resized beyond any image', () => {
  const image = { data: new Uint8Array(300), n: 1, channels: 1, height: 1, width: 300 };
  expect(() => clipImages(image, 224)).toThrow(
    expect.objectContaining({ code: 'E_IMAGES', evidence: { width: 67_200, height: 224 } }),
  );
});
