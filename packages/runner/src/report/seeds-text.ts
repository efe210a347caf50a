import type { Point } from '../experiment/experiment.js';

/** Ranges of seeds as a spec has them: `0-15,20`. */
export const seedsText = (seeds: Point['seeds']): string =>
  seeds.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
