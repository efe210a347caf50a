/** What reads a table from a file, and nothing that makes or fits one. */
export { SolverError } from './solver-error.js';
export { checkTable, depthOf, type SamplerTable } from './table/sampler-table.js';
