export { type GitsPath, type GitsSearch, gits } from './gits.js';
export { type IddpmTable, iddpmTable } from './iddpm.js';
export {
  type NoiseTable,
  type NoiseTableOptions,
  noiseTable,
  noiseTableOf,
  noiseTables,
} from './noise-table.js';
export type { Schedule, Span } from './schedule.js';
export { ScheduleError } from './schedule-error.js';
export { sigmas } from './sigmas.js';
export { type NoiseOfTime, vp, vpThrough } from './vp.js';
