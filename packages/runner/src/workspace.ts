import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RunnerError } from './errors.js';

/** What a workspace may say of itself (`config.ts`). */
export const configName = 'fewstep.config.yaml';

/**
 * The folder that store, models and results are in by default: the nearest above the working folder, itself among them,
 * that has a store or `fewstep.config.yaml`, else the nearest under version control, else the working folder. So they
 * are the same from any folder of a project.
 */
export function workspaceRoot(cwd = workingFolder()): string {
  return nearestWith(cwd, ['.fewstep', configName]) ?? nearestWith(cwd, ['.git']) ?? cwd;
}

/** @throws RunnerError E_FOLDER where it was removed */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new RunnerError('E_FOLDER', 'the working folder is not there any more: change to one that is.', {
      cause,
    });
  }
}

/** A folder that a variable of the environment names; one that is set to nothing is not set. */
export function folderFrom(variable: 'FEWSTEP_STORE' | 'FEWSTEP_MODELS'): string | undefined {
  const given = process.env[variable];
  return given === undefined || given === '' ? undefined : resolve(workingFolder(), given);
}

/** Where files of weights are: $FEWSTEP_MODELS, else `models` of the workspace. */
export const modelsFolder = (cwd?: string): string =>
  folderFrom('FEWSTEP_MODELS') ?? join(workspaceRoot(cwd), 'models');

function nearestWith(folder: string, names: readonly string[]): string | undefined {
  if (names.some((name) => existsSync(join(folder, name)))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : nearestWith(above, names);
}
