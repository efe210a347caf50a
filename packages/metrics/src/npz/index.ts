export type { NpyArray, NpyData, NpyDtype } from './npy.js';
export { type Npz, readNpz, writeNpz } from './npz.js';
export { readStatistics, writeStatistics } from './statistics-file.js';
