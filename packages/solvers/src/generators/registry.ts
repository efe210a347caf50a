import { byName } from '../by-name.js';
import { bnsGenerator } from './bns.js';
import { dyweightGenerator } from './dyweight.js';
import { epdGenerator } from './epd.js';
import { gsGenerator } from './gs.js';
import { tableGenerator } from './table.js';
import { timesGenerator } from './times.js';

/** Every way to make a table of numbers, by its name in a spec. */
export const generators = byName(
  tableGenerator,
  timesGenerator,
  bnsGenerator,
  gsGenerator,
  epdGenerator,
  dyweightGenerator,
);
