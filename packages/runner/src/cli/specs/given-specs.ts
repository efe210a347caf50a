import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { besideSpec } from '../../experiment/named-datasets.js';
import { problem, SpecError } from '../../experiment/problem.js';
import { configName, workingFolder } from '../../workspace.js';
import { specHere } from './specs-here.js';

/**
 * The files of specs that a command is given: those of a folder are its YAML files, in the order of their names, but for what
 * names a cache or data; without any the one that lies in the working folder.
 *
 * @throws SpecError (E_SPEC) where a folder has none, RunnerError E_USAGE where nothing is given and not one lies here
 */
export async function givenSpecs(given: readonly string[]): Promise<string[]> {
  if (given.length === 0) return [await specHere()];
  const files: string[] = [];
  for (const one of given) {
    const path = resolve(workingFolder(), one);
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    if (!isFolder) {
      files.push(one);
      continue;
    }
    const names = (await readdir(path))
      .filter((name) => /\.ya?ml$/i.test(name) && name !== configName && name !== besideSpec)
      .sort();
    if (names.length === 0)
      throw new SpecError([
        problem(
          { file: one, line: 0, column: 0, layer: 0 },
          '',
          'this is a folder without YAML files; name a spec, or a folder of specs.',
        ),
      ]);
    files.push(...names.map((name) => join(one, name)));
  }
  return files;
}
