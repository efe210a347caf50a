import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng, imageGrid } from '@fewstep/metrics';
import { type Images, readImages } from './artifacts.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface PictureParams {
  readonly columns: number;
  /** Rows that each group of inputs fills with its first images; cells without an image stay black. */
  readonly rowsPerGroup: number;
}

/** A PNG of images in rows: the groups of inputs in the order of their names. */
export async function run({ params, inputs, dir }: TaskContext<PictureParams>): Promise<TaskResult> {
  const { columns, rowsPerGroup } = params;
  const groups: Images[] = [];
  for (const name of Object.keys(inputs).sort()) {
    groups.push(await readImages(inputs[name]!, columns * rowsPerGroup));
  }
  const cell = {
    channels: Math.max(...groups.map(({ channels }) => channels)),
    height: Math.max(...groups.map(({ height }) => height)),
    width: Math.max(...groups.map(({ width }) => width)),
  };
  const cells = columns * rowsPerGroup;
  const n = groups.length * cells;
  const data = new Uint8Array(n * cell.channels * cell.height * cell.width);
  for (const [i, group] of groups.entries()) fill(data, cell, i * cells, group);
  const picture = imageGrid({ data, n, ...cell }, { columns });
  await writeFile(join(dir, 'picture.png'), await encodePng(picture));
  return { files: { png: 'picture.png' }, meta: {} };
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
