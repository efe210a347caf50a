import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { problem, SpecError } from '../experiment/problem.js';
import { configName, workingFolder } from '../workspace.js';

/**
 * The files of specs that a command is given: those of a folder are its YAML files, in the order of their names.
 *
 * @throws SpecError (E_SPEC) where a folder has none
 */
export async function givenSpecs(given: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const one of given) {
    const path = resolve(workingFolder(), one);
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    if (!isFolder) {
      files.push(one);
      continue;
    }
    const names = (await readdir(path))
      .filter((name) => /\.ya?ml$/i.test(name) && name !== configName)
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
