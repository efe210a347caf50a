import { byName } from '../by-name.js';
import { tableGenerator } from './table.js';

/** Every way to make a table of numbers, by its name in a spec. */
export const generators = byName(tableGenerator);
