import { constants, lstatSync } from 'node:fs';
import { access, copyFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { nodeMachine } from '@fewstep/taskgraph';
import { cannotWrite, codeOf } from '../../errors.js';
import { workingFolder } from '../../workspace.js';

/** Writes results under a folder, each whole or not at all. Paths are relative to the working folder where inside it. */
export interface Results {
  /** Copies a file of the store there, which is named by its contents; what is there and has these stays. */
  place(source: string, ...name: string[]): Promise<string>;
  /** Removes a file, if it is there. */
  remove(...name: string[]): Promise<void>;
  write(
    content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    ...name: string[]
  ): Promise<string>;
}

/**
 * The results in a folder, which is made where there is none: so that a place that can't be written is known before
 * anything is computed.
 *
 * `sofar`: what is not lost where one of them can't be written.
 *
 * @throws RunnerError E_RESULTS; what fails where content is made fails as it does there
 */
export async function openResults(
  folder: string,
  sofar = 'what was computed is in the store',
): Promise<Results> {
  const { disk } = await nodeMachine();
  try {
    await disk.folder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw cannotWrite(folder, error, 'nothing was computed yet');
  }
  const put = async (name: readonly string[], fill: (path: string) => Promise<unknown>) => {
    const path = join(folder, ...name);
    const aside = `${path}.${process.pid}.part`;
    try {
      await disk.folder(dirname(path));
      await fill(aside);
      await rename(aside, path);
    } catch (error) {
      await rm(aside, { force: true }).catch(() => {});
      throw codeOf(error)?.startsWith('E_') ? error : cannotWrite(path, error, sofar);
    }
    return shownPath(path);
  };
  return {
    async place(source, ...name) {
      const path = join(folder, ...name);
      if ((await disk.hash(path).catch(() => undefined))?.digest === basename(source)) return shownPath(path);
      return put(name, (aside) => copyFile(source, aside, constants.COPYFILE_FICLONE));
    },
    async remove(...name) {
      const path = join(folder, ...name);
      if (!lstatSync(path, { throwIfNoEntry: false })) return; // mostly it is not, and rm is slow to say so
      await rm(path, { force: true }).catch((error: unknown) => {
        throw cannotWrite(path, error, sofar);
      });
    },
    write: (content, ...name) => put(name, (path) => writeFile(path, content, { flush: true })),
  };
}

/** A path as people read it: relative inside the working folder. */
export function shownPath(path: string): string {
  const inside = relative(workingFolder(), path);
  return inside.startsWith('..') || inside === '' ? path : inside;
}
