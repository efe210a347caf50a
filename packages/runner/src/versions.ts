import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Versions } from '@fewstep/taskgraph';

const require = createRequire(import.meta.url);

/** Packages whose versions are in keys. */
const implementing = ['schedules', 'solvers', 'models', 'metrics'];

/** The versions of the packages that compute, as their package.json say. */
export const installedVersions = (): Versions => versionsOf(implementing);

/** Those of all packages of Fewstep that a run takes, for the record. */
export const packageVersions = (): Versions => versionsOf([...implementing, 'taskgraph', 'report', 'runner']);

function versionsOf(names: readonly string[]): Versions {
  return Object.fromEntries(
    names.map((name) => {
      const path = require.resolve(`@fewstep/${name}/package.json`);
      return [name, JSON.parse(readFileSync(path, 'utf8')).version as string];
    }),
  );
}
