import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageGrid } from '@fewstep/metrics';
import { encodePng } from '@fewstep/metrics/images';
import type { Run } from '@fewstep/taskgraph';
import { type Images, readImages, writeImages } from './artifacts.js';
import type { picture as kind } from './kinds.js';

export interface PictureParams {
  readonly columns: number;
  readonly rows: number;
  /** Images of the row that is kept for the comparison. */
  readonly compared: number;
}

export interface ComparisonParams {
  readonly columns: number;
}

/** A PNG of the first images in rows, and the first of them once more as images. Cells without an image stay black. */
export const run: Run<typeof kind> = async ({ params: { columns, rows, compared }, inputs, dir }) => {
  const images = await readImages(inputs.images, Math.max(columns * rows, compared));
  return {
    files: {
      png: await writePicture(dir, [firstOf(images, columns * rows)], { columns, rows }),
      row: await writeImages(dir, firstOf(images, compared)),
    },
    meta: {},
  };
};

function firstOf({ data, n, ...size }: Images, count: number): Images {
  const taken = Math.min(n, count);
  const { channels, height, width } = size;
  return { ...size, n: taken, data: data.subarray(0, taken * channels * height * width) };
}

/** Writes groups of images as one PNG, each in rows of its own. */
export async function writePicture(dir: string, ...picture: Parameters<typeof pictureOf>): Promise<string> {
  await writeFile(join(dir, 'picture.png'), await pictureOf(...picture));
  return 'picture.png';
}

/** Groups of images as one PNG, each in rows of its own. */
export async function pictureOf(
  groups: readonly Images[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): Promise<Uint8Array> {
  const cell = {
    channels: Math.max(...groups.map(({ channels }) => channels)),
    height: Math.max(...groups.map(({ height }) => height)),
    width: Math.max(...groups.map(({ width }) => width)),
  };
  const cells = columns * rows;
  const n = groups.length * cells;
  const data = new Uint8Array(n * cell.channels * cell.height * cell.width);
  for (const [i, group] of groups.entries()) fill(data, cell, i * cells, group);
  return encodePng(imageGrid({ data, n, ...cell }, { columns }));
}

/** Puts images in the cells from `first` on: smaller ones in the upper left corner, grey ones in every channel. */
function fill(
  data: Uint8Array,
  cell: Omit<Images, 'data' | 'n'>,
  first: number,
  { data: pixels, n, channels, height, width }: Images,
): void {
  for (let i = 0; i < n; i++)
    for (let c = 0; c < cell.channels; c++)
      for (let y = 0; y < height; y++) {
        const from = ((i * channels + Math.min(c, channels - 1)) * height + y) * width;
        const to = (((first + i) * cell.channels + c) * cell.height + y) * cell.width;
        data.set(pixels.subarray(from, from + width), to);
      }
}
