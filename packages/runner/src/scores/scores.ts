import { fid } from './fid.js';
import { kid } from './kid.js';
import { prdc } from './prdc.js';
import { rmseToTeacher } from './rmse-to-teacher.js';
import type { Score } from './score.js';

const declared = [fid, kid, prdc, rmseToTeacher] as const;

export type Metric = (typeof declared)[number]['name'];

/** Every score, in the order in which the schema lists them. */
export const scores: readonly (Score<Metric> & { readonly name: Metric })[] = declared;
export const scoreNamed = (name: Metric): Score => scores.find((one) => one.name === name)!;

/** The kinds of tasks that compute them. */
export const scoreKinds = Object.fromEntries(declared.map(({ kind }) => [kind.name, kind]));

/** How many digits the table shows of a column. */
export const digitsOf = (column: string): number =>
  scores.find(({ digits }) => digits[column] !== undefined)?.digits[column] ?? 3;
