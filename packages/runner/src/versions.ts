import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Versions } from '@fewstep/taskgraph';

const require = createRequire(import.meta.url);

/** Packages whose versions are in keys. */
const implementing = ['schedules', 'solvers', 'models', 'metrics'];

let known: Versions | undefined;

/** The versions of all packages of Fewstep that a run takes, as their package.json said when they were asked for first. */
export function packageVersions(): Versions {
  known ??= Object.fromEntries(
    [...implementing, 'taskgraph', 'report', 'runner'].map((name) => {
      const path = require.resolve(`@fewstep/${name}/package.json`);
      return [name, JSON.parse(readFileSync(path, 'utf8')).version as string];
    }),
  );
  return known;
}

/** Those of the packages that compute. */
export const installedVersions = (): Versions =>
  Object.fromEntries(implementing.map((name) => [name, packageVersions()[name]!]));
