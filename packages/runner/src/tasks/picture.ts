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
  const { channels, height, width } = groups[0]!;
  const size = channels * height * width;
  const n = groups.length * columns * rowsPerGroup;
  const data = new Uint8Array(n * size);
  for (const [i, group] of groups.entries()) data.set(group.data, i * columns * rowsPerGroup * size);
  const picture = imageGrid({ data, n, channels, height, width }, { columns });
  await writeFile(join(dir, 'picture.png'), await encodePng(picture));
  return { files: { png: 'picture.png' }, meta: {} };
}
