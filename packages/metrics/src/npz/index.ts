export type { NpyArray, NpyData, NpyDtype, NpyHeader } from './npy.js';
export { type Npz, type OpenNpz, openNpz, readNpz, writeNpz } from './npz.js';
export { readStatistics, type StatisticsPart, statisticsIn, writeStatistics } from './statistics-file.js';
