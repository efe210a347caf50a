export { type GitsPath, type GitsSearch, gits, gitsChoices } from './gits.js';
export { type IddpmTable, iddpmTable } from './iddpm.js';
export {
  type NoiseTable,
  type NoiseTableOptions,
  noiseTable,
  noiseTableOf,
  noiseTables,
} from './noise-table.js';
export {
  type ChoiceOption,
  choice,
  type DataChoiceOption,
  type DataKind,
  dataChoice,
  flag,
  integer,
  levels,
  number,
  type Option,
  type Options,
  type OptionValues,
  withDefaults,
} from './options.js';
export { type Schedule, schedules } from './registry.js';
export { levelsOf, type ScheduleFamily, type Span, scheduleFamily } from './schedule.js';
export { ScheduleError } from './schedule-error.js';
export { sigmas } from './sigmas.js';
export { type NoiseOfTime, vp, vpThrough } from './vp.js';
