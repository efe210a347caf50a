import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedVersions, kinds } from '@fewstep/runner';
import type { Kind } from '@fewstep/taskgraph';
import { root } from '../command-line.js';
import { codeOf } from './code.js';

/** The code that computes each kind of task, and what of its keys says which code it is. */
export interface Numerics {
  readonly kinds: Readonly<Record<string, KindCode>>;
  /** The digest of each module that a kind needs. */
  readonly modules: Readonly<Record<string, string>>;
}
interface KindCode {
  readonly revision: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Of all modules that it needs. */
  readonly code: string;
}

export const file = join(root, 'packages/runner/numerics.json');

/** The module that a kind's declaration imports. */
function moduleOf({ name, run }: Kind, declared: string): string {
  const specifier = /import\(\s*['"](.+?)['"]\s*\)/.exec(run.toString())?.[1];
  if (specifier === undefined) throw new Error(`${name} names no module to import`);
  return fileURLToPath(new URL(specifier, declared));
}

/** What looks for engines, and the one that this repository has: found by name, so that no import leads there. */
const engines = {
  finder: 'models/engines/find-engine.js',
  module: fileURLToPath(import.meta.resolve('@fewstep/engine-tfjs')),
};

/** As the build at hand has it. */
export function numericsNow(): Numerics {
  const declared = new URL('tasks/kinds.js', import.meta.resolve('@fewstep/runner')).href;
  const versions = installedVersions();
  const packages = join(root, 'packages');
  const engine = codeOf(engines.module, packages);
  const modules: Record<string, string> = {};
  const coded: Record<string, KindCode> = {};
  for (const kind of Object.values<Kind>(kinds)) {
    const imported = codeOf(moduleOf(kind, declared), packages);
    const needed = imported.has(engines.finder) ? new Map([...imported, ...engine]) : imported;
    for (const [name, digest] of needed) modules[name] = digest;
    coded[kind.name] = {
      revision: kind.revision,
      versions: Object.fromEntries(kind.packages.map((name) => [name, versions[name]!])),
      code: createHash('sha256')
        .update([...needed.values()].sort().join())
        .digest('hex')
        .slice(0, 16),
    };
  }
  const sorted = Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1));
  return { kinds: coded, modules: Object.fromEntries(sorted) };
}

/**
 * What is not as it was recorded, a line for each kind. Code that moved alone may have moved results; where a revision or
 * a version moved too, keys are new, and it remains to be recorded.
 */
export function moved(then: Numerics, now: Numerics): string[] {
  const lines: string[] = [];
  for (const [name, { revision, versions, code }] of Object.entries(now.kinds)) {
    const before = then.kinds[name];
    if (!before) {
      lines.push(`${name}: is new`);
      continue;
    }
    const isRaised =
      before.revision !== revision || JSON.stringify(before.versions) !== JSON.stringify(versions);
    if (isRaised) lines.push(`${name}: has another revision or version, and so new keys`);
    else if (before.code !== code)
      lines.push(
        `${name}: the code that computes it is another, and neither its revision (${revision}) nor a version (${Object.keys(versions).join(', ') || 'none'}) is`,
      );
  }
  for (const name of Object.keys(then.kinds)) if (!now.kinds[name]) lines.push(`${name}: is gone`);
  return lines;
}

/** The modules that are not as they were recorded. */
export function movedModules(then: Numerics, now: Numerics): string[] {
  const names = [...new Set([...Object.keys(then.modules), ...Object.keys(now.modules)])].sort();
  return names.filter((name) => then.modules[name] !== now.modules[name]);
}
