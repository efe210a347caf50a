import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a search found. */
export interface FoundSchedule {
  /** Noise levels, data units, descending. */
  readonly sigmas: readonly number[];
  /** Their places in the fine grid. */
  readonly indices: readonly number[];
  /** Weighted sum of their steps' costs. */
  readonly cost: number;
}

export async function writeSchedule(dir: string, found: FoundSchedule): Promise<string> {
  await writeFile(join(dir, 'schedule.json'), `${JSON.stringify(found)}\n`);
  return 'schedule.json';
}

/** A found schedule, as one to solve on. */
export async function readSchedule(
  path: string,
): Promise<{ readonly type: 'explicit'; readonly sigmas: readonly number[] }> {
  const { sigmas } = JSON.parse(await readFile(path, 'utf8')) as FoundSchedule;
  return { type: 'explicit', sigmas };
}
