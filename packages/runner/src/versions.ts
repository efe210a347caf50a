import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Versions } from '@fewstep/taskgraph';

const require = createRequire(import.meta.url);

/** The versions of the packages at hand, as their package.json say. */
export function installedVersions(): Versions {
  const names = ['schedules', 'solvers', 'models', 'metrics'];
  return Object.fromEntries(
    names.map((name) => {
      const path = require.resolve(`@fewstep/${name}/package.json`);
      return [name, JSON.parse(readFileSync(path, 'utf8')).version as string];
    }),
  );
}
