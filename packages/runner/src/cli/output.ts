import { constants } from 'node:fs';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { codeOf, RunnerError } from '../errors.js';

/** Writes results under a folder, each whole or not at all. Paths are relative to the working folder where inside it. */
export interface Results {
  /** Copies a file there; a reflink where the file system has them. */
  place(source: string, ...name: string[]): Promise<string>;
  write(content: string | Uint8Array, ...name: string[]): Promise<string>;
}

export function resultsIn(folder: string): Results {
  const put = async (name: readonly string[], fill: (path: string) => Promise<unknown>) => {
    const path = join(folder, ...name);
    const aside = `${path}.${process.pid}.part`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await fill(aside);
      await rename(aside, path);
    } catch (error) {
      throw new RunnerError(
        'E_RESULTS',
        `${path} can't be written (${codeOf(error) ?? error}). Mend permissions or space, or choose another folder; what was computed is in the store.`,
        { exitCode: 1, cause: error, evidence: { path } },
      );
    }
    return shownPath(path);
  };
  return {
    place: (source, ...name) => put(name, (path) => copyFile(source, path, constants.COPYFILE_FICLONE)),
    write: (content, ...name) => put(name, (path) => writeFile(path, content, { flush: true })),
  };
}

/** A path as people read it: relative inside the working folder. */
export function shownPath(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside.startsWith('..') || inside === '' ? path : inside;
}

/** With --json, the one object on standard output; the other lines are for people. */
export function print(value: unknown): void {
  process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`);
}
