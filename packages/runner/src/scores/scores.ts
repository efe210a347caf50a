import { fid } from './fid.js';
import { kid } from './kid.js';
import { ownKind } from './own.js';
import { prdc } from './prdc.js';
import { rmseToTeacher } from './rmse-to-teacher.js';
import type { Score } from './score.js';

const declared = [fid, kid, prdc, rmseToTeacher] as const;

/** Every score, in the order in which the schema lists them. */
export const scores: readonly Score[] = declared;
export const scoreNamed = (name: string): Score | undefined => scores.find((one) => one.name === name);

/** The kinds of tasks that compute them. */
export const scoreKinds = Object.fromEntries(
  [...declared.map(({ kind }) => kind), ownKind].map((kind) => [kind.name, kind]),
);

/** How many digits the table shows of a column. */
export const digitsOf = (column: string): number =>
  scores.find(({ digits }) => digits[column] !== undefined)?.digits[column] ?? 3;
