import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@fewstep/models';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeImages } from '../tasks/artifacts.js';
import { sheetOf } from './sheet.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-sheet-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A file of images, each of one colour, and their seeds from `first` on. */
async function file(colours: readonly (readonly number[])[], first: number, side = 16) {
  const folder = await mkdtemp(join(dir, 'file-'));
  const channels = colours[0]!.length;
  const data = new Uint8Array(
    colours.flatMap((one) => one.flatMap((level) => Array(side * side).fill(level))),
  );
  const path = await writeImages(folder, { data, n: colours.length, channels, height: side, width: side });
  return { path: join(folder, path), seeds: colours.map((_, i) => first + i) };
}

/** The colour in the middle of a thumbnail. */
async function colourOf(
  { sheet, width, height, columns }: NonNullable<Awaited<ReturnType<typeof sheetOf>>>,
  i: number,
) {
  const { data, info } = await sharp(Buffer.from(sheet.split(',')[1]!, 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [x, y] = [(i % columns) * width + width / 2, Math.floor(i / columns) * height + height / 2];
  const at = (Math.floor(y) * info.width + Math.floor(x)) * info.channels;
  return [...data.subarray(at, at + 3)];
}

const near = (found: readonly number[], colour: readonly number[]) =>
  found.every((level, c) => Math.abs(level - colour[c]!) < 16);

describe('a sheet', () => {
  it('has the images of several files in their order, in their colours', async () => {
    const [red, green, blue, grey] = [
      [220, 20, 20],
      [20, 220, 20],
      [20, 20, 220],
      [128, 128, 128],
    ];
    const files = [await file([red!, green!, blue!], 5), await file(Array(7).fill(grey), 40)];
    const sheet = (await sheetOf(files, 1e6))!;
    expect(sheet).toMatchObject({ width: 16, height: 16, columns: 8 });
    expect(sheet.seeds).toEqual([5, 6, 7, 40, 41, 42, 43, 44, 45, 46]);
    expect(near(await colourOf(sheet, 0), red!)).toBe(true);
    expect(near(await colourOf(sheet, 2), blue!)).toBe(true);
    expect(near(await colourOf(sheet, 9), grey!)).toBe(true); // in its second row
  });

  it('has 64 images at most, thumbnails of 64 pixels, grey ones grey', async () => {
    const sheet = (await sheetOf([await file(Array(70).fill([200]), 0, 96)], 1e6))!;
    expect([sheet.seeds.length, sheet.width, sheet.height]).toEqual([64, 64, 64]);
    expect(near(await colourOf(sheet, 63), [200, 200, 200])).toBe(true);
  });

  it('takes no more room than there is, as far as it can', async () => {
    const side = 64;
    const data = Uint8Array.from({ length: 32 * side * side }, (_, i) => (i * 2654435761) >>> 24); // noise is dear
    const folder = await mkdtemp(join(dir, 'noise-'));
    const path = await writeImages(folder, { data, n: 32, channels: 1, height: side, width: side });
    const files = [{ path: join(folder, path), seeds: Array.from({ length: 32 }, (_, i) => i) }];
    const sizes = [];
    for (const most of [1e6, 30e3, 12e3]) sizes.push((await sheetOf(files, most))!);
    expect(sizes[1]!.sheet.length).toBeLessThanOrEqual(30e3);
    expect(sizes.map(({ seeds, width }) => [seeds.length, width])[0]).toEqual([32, 64]);
    expect(sizes[2]!.sheet.length).toBeLessThan(sizes[1]!.sheet.length);
  });

  it('is nothing of what is no file of images, nor of none', async () => {
    const path = join(dir, 'other.safetensors');
    await writeFile(
      path,
      writeSafetensors({ images: { dtype: 'F32', shape: [1], data: new Float32Array(1) } }),
    );
    expect(await sheetOf([{ path, seeds: [0] }], 1e6)).toBeUndefined();
    expect(await sheetOf([], 1e6)).toBeUndefined();
    await writeFile(join(dir, 'short'), Buffer.alloc(4));
    await expect(sheetOf([{ path: join(dir, 'short'), seeds: [0] }], 1e6)).rejects.toThrow(
      'shorter than it says',
    );
  });
});
