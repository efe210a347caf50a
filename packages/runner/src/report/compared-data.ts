import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { PointData, ReportData } from '@fewstep/report';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import type { Paths } from '../tasks/paths.js';
import type { Compared } from './comparison.js';
import { notesOn } from './notes.js';
import { figuresOf, metricsOf, pointData } from './report-data.js';
import { type ImageFile, mostOfSheet, sheetOf } from './sheet.js';

const mostPaths = 2 ** 24;

/**
 * What a page of points side by side shows. `differing`: how protocols differ, a sentence each; where they do, no figure is
 * ranked.
 */
export async function comparedData(
  title: string,
  points: readonly (Compared & {
    readonly folder: string;
    readonly name: string;
    readonly images: readonly ImageFile[];
  })[],
  differing: readonly string[],
): Promise<ReportData> {
  const reports = points.map(({ letter, name, point }) => ({ ...point, label: `${letter} ${name}` }));
  const figures = figuresOf(reports).map((columns) =>
    differing.length === 0
      ? columns
      : Object.fromEntries(Object.entries(columns).map(([name, { rank: _, ...figure }]) => [name, figure])),
  );
  const data: PointData[] = [];
  for (const [i, { experiment, folder, point, images }] of points.entries()) {
    const pictures =
      images.length > 0 ? await sheetOf(images, mostOfSheet).catch(() => undefined) : undefined;
    const paths = await pathsIn(folder, point.artifacts.paths);
    const { intervals, ...path } = paths ?? { intervals: undefined };
    data.push({
      ...pointData(experiment, reports[i]!, figures[i]!),
      ...(pictures && { pictures }),
      ...(paths && { paths: path as NonNullable<PointData['paths']>, intervals: intervals! }),
    });
  }
  return {
    title,
    notes: [...differing, ...notesOn(reports, { alike: [], isMarked: false })],
    metrics: metricsOf(reports, {}),
    points: data,
    groups: data.map((point, i) => ({ ...point, points: [i] })),
    teachers: [],
    tasks: [],
    run: [],
    failures: [],
  };
}

const number = { type: 'number' } as const;
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const numbers = list(number);
const paths: JsonSchema = {
  type: 'object',
  required: ['seeds', 'sigmas', 'explained', 'teacher', 'student', 'intervals'],
  properties: {
    seeds: numbers,
    sigmas: {
      type: 'object',
      required: ['teacher', 'student'],
      properties: { teacher: numbers, student: numbers },
    },
    explained: numbers,
    teacher: list(list(numbers)),
    student: list(list(numbers)),
    intervals: {
      type: 'object',
      required: ['sigma', 'rmse', 'se'],
      properties: { sigma: numbers, rmse: numbers, se: numbers },
    },
  },
};

/** The ways that a report names, which may be anybody's; nothing where they aren't there, or are none. */
async function pathsIn(folder: string, file: string | undefined): Promise<Paths | undefined> {
  if (file === undefined) return undefined;
  try {
    const path = resolve(folder, file);
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > mostPaths) return undefined;
    const found: unknown = JSON.parse(await readFile(path, 'utf8'));
    return faultsIn(found, paths, undefined, ['paths']).length === 0 ? (found as Paths) : undefined;
  } catch {
    return undefined;
  }
}
