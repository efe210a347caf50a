import type { Run } from '@fewstep/taskgraph';
import { type Images, readImages } from './artifacts.js';
import type { comparison as kind } from './kinds.js';
import { writePicture } from './picture.js';

/** A PNG of a row of each point. */
export const run: Run<typeof kind> = async ({ params: { columns }, inputs, dir }) => {
  const groups: Images[] = [];
  for (const path of inputs.rows) groups.push(await readImages([path], columns));
  return { files: { png: await writePicture(dir, groups, { columns, rows: 1 }) }, meta: {} };
};
