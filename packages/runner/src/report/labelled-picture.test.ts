import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { labelledPicture, type RowLabel } from './labelled-picture.js';
import type { PictureFormat } from './picture-format.js';

/** Two rows of eight pixels, each of another grey. */
const [width, height] = [24, 16];
const grey = (x: number, y: number) => 40 + 8 * x + (y < 8 ? 0 : 20);
const note = 'what is shown';
let dir: string;
let source: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-pictures-'));
  source = join(dir, 'rows.png');
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return grey(pixel % width, Math.floor(pixel / width));
  });
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(source);
});
afterAll(() => rm(dir, { recursive: true }));

async function drawn(labels: readonly RowLabel[], format: PictureFormat = 'png') {
  const { picture, format: as } = await labelledPicture(source, labels, { format, note });
  expect(as).toBe(format);
  expect(Buffer.from(picture).includes(note)).toBe(true);
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => data[(y * info.width + x) * info.channels]!;
  /** Pixels of a row's label that are bright. */
  const ink = (row: number, left: number) => {
    const rows = Array.from({ length: info.height / 2 }, (_, y) => row * (info.height / 2) + y);
    return rows.map(
      (y) => Array.from({ length: left }, (_, x) => at(x, y)).filter((value) => value > 100).length,
    );
  };
  return { data, ...info, at, ink };
}

const two: readonly RowLabel[] = [
  { title: 'euler', figures: ['NFE 5', 'fid 0.651 ± 0.082'] },
  { title: '<img src=x onerror="alert(1)"/>&', figures: [] },
];

it('has beside each row what it is, and the rows’ own pixels, several times as large', async () => {
  const picture = await drawn(two);
  expect(picture.height).toBe(96); // 48 for each
  const left = picture.width - 6 * width;
  for (const [x, y] of [
    [0, 0],
    [23, 7],
    [5, 8],
    [23, 15],
  ] as const)
    for (const [dx, dy] of [
      [0, 0],
      [5, 5],
    ] as const)
      expect(picture.at(left + 6 * x + dx, 6 * y + dy)).toBe(grey(x, y));
  const [first, second] = [picture.ink(0, left), picture.ink(1, left)];
  // a line of figures below the title, and where there are none the title alone
  const linesIn = (ink: readonly number[]) =>
    ink.filter((count, y) => count > 0 && !(ink[y - 1]! > 0)).length;
  expect(linesIn(first)).toBeGreaterThanOrEqual(2);
  expect(second.some((count) => count > 0)).toBe(true);
  expect(second).not.toEqual(first);
});

it('is the same without loss as WebP, with labels or without', async () => {
  for (const labels of [two, []]) {
    const [png, webp] = [await drawn(labels), await drawn(labels, 'webp')];
    expect([webp.width, webp.height]).toEqual([png.width, png.height]);
    expect(Buffer.compare(webp.data, png.data)).toBe(0);
  }
  expect((await drawn([])).width).toBe(width);
});

it('cuts off what is long, and writes the same again', async () => {
  const long = (letter: string) => [{ title: letter.repeat(500), figures: [] }, two[1]!];
  const [wide, again] = [await drawn(long('w')), await drawn(long('w'))];
  expect(wide.width).toBeLessThan(6 * width + 500);
  expect(Buffer.compare(wide.data, again.data)).toBe(0);
  expect(Buffer.compare(wide.data, (await drawn(long('v'))).data)).not.toBe(0);
});
