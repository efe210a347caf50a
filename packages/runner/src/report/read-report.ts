import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, RunnerError } from '../errors.js';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import { shownKey } from '../judging/shown.js';
import type { Report } from './report.js';

/** What a run leaves of what it found out. */
export const reportName = 'report.json';

/** A grid of thousands of points has megabytes. */
const mostBytes = 2 ** 28;
/** No more faults are said. */
const mostListed = 5;

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const map = (required: readonly string[], properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  required,
  properties,
});
const anything = map([], {});

/** As far as what reads a report goes by it; versions to come may say more. */
const schema = map(['name', 'points', 'tasks', 'failures'], {
  name: text,
  varies: list(text),
  points: list(
    map(['label', 'settings', 'metrics', 'artifacts'], {
      label: text,
      settings: anything,
      nfe: count,
      forwards: count,
      images: count,
      realImages: count,
      metrics: anything,
      repeats: list(map(['seeds', 'metrics'], { seeds: text, metrics: anything })),
      protocol: map(['seeds', 'devices', 'scores'], { seeds: text, devices: anything, scores: anything }),
      leaks: list(map(['of', 'images'], { of: text, images: count })),
      published: map(['name', 'fid', 'images', 'source'], { name: text, images: count, source: text }),
      artifacts: map(['samples'], { samples: list(text), reference: list(text), fid_influences: text }),
    }),
  ),
  tasks: anything,
  failures: list(anything),
});

/**
 * The report in a folder of results, which may be anybody's: nothing in it is executed, and what is read of it is as a run
 * writes it.
 *
 * @throws RunnerError (E_RESULTS) where there is none, or it is none, with its first problems
 */
export async function readReport(folder: string): Promise<Report> {
  const file = join(folder, reportName);
  const fault = (why: string, cause?: unknown) =>
    new RunnerError('E_RESULTS', `${file} ${why}: run the experiment again, or name other results.`, {
      cause,
      evidence: { path: file },
    });
  let found: unknown;
  try {
    const stats = await stat(file);
    if (!stats.isFile() || stats.size > mostBytes)
      throw fault(`has ${stats.size} bytes, and no report of a run has so many`);
    found = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof RunnerError) throw error;
    throw fault(`can't be read (${codeOf(error) ?? (error as Error).message})`, error);
  }
  // below a path, for at the top is where specs have more keys
  const faults = faultsIn(found, schema, undefined, ['report']);
  const problems = faults.map(
    ({ path, sentence }) => `${path.slice(1).map(shownKey).join('.')}: ${sentence}`,
  );
  const { points } = found as Report;
  if (problems.length === 0)
    for (const [i, { metrics, repeats = [] }] of points.entries())
      for (const columns of [metrics, ...repeats.map((one) => one.metrics)])
        for (const [column, value] of Object.entries(columns))
          if (typeof value !== 'number' && value !== null)
            problems.push(`points.${i}.metrics.${shownKey(column)}: expected a number.`);
  if (problems.length > 0) throw fault(`is no report of a run (${problems.slice(0, mostListed).join(' ')})`);
  return { ...(found as Report), points: points.map(asWritten) };
}

/** JSON has an infinite figure as null. */
function asWritten(point: Report['points'][number]): Report['points'][number] {
  const finite = (columns: Readonly<Record<string, number | null>>) =>
    Object.fromEntries(Object.entries(columns).map(([column, value]) => [column, value ?? Infinity]));
  return {
    ...point,
    metrics: finite(point.metrics),
    ...(point.repeats && {
      repeats: point.repeats.map((one) => ({ ...one, metrics: finite(one.metrics) })),
    }),
  };
}
