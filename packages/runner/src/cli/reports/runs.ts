import { type Dirent, existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { resultsMark } from '@fewstep/metrics/image-names';
import { workingFolder, workspaceRoot } from '../../workspace.js';

/** No record that a run left is larger; another file may be. */
const mostBytes = 64 * 2 ** 20;

/** The folder that results are in, one for each run. */
export const resultsFolder = (told: string | undefined): string =>
  told === undefined ? join(workspaceRoot(), 'results') : resolve(workingFolder(), told);

/** The folders of runs, by name. */
export async function runsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.filter((name) => existsSync(join(folder, name, resultsMark))).sort();
}

/** What a file of JSON holds that a run left, as data that anyone may have changed; undefined where it is none. */
export async function jsonIn(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > mostBytes) return undefined;
      const found: unknown = JSON.parse(await file.readFile('utf8'));
      return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // there is none, or it is half of one
  }
}

export const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const numberIn = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const mapIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
