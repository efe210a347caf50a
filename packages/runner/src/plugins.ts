import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Executor, Json, Remote } from '@fewstep/taskgraph';
import { codeOf, RunnerError } from './errors.js';

/** Which package a plugin is, for the record of a run. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
}

/** What the function of a plugin gets. */
interface Given {
  /** What follows its name, as it likes it: a folder, an address. */
  readonly place?: string | undefined;
}

/** What that of an executor gets. */
export interface ExecutorGiven extends Given {
  /** Address of the module that exports the kinds of tasks as `kinds`. */
  readonly kinds: URL;
  /** Child processes of this machine: for what can be computed here alone. */
  readonly here: Executor;
  /** What evaluates networks, as the command line was told. */
  readonly device?: Json;
}

/** What the module of a plugin exports, by what it is. */
interface Exports {
  /** `@fewstep/cache-NAME`: what machines share. */
  cache(given: Given): Remote | Promise<Remote>;
  /** `@fewstep/executor-NAME`: where tasks are computed. */
  executor(given: ExecutorGiven): Executor | Promise<Executor>;
}

/** A plugin that was found. */
interface Found<W extends keyof Exports> extends Plugin {
  /** Makes what it is for. @throws RunnerError E_PLUGIN */
  open(given: Omit<Parameters<Exports[W]>[0], 'place'>): Promise<Awaited<ReturnType<Exports[W]>>>;
}

/** What each of them must be able to do. */
const methods = { cache: ['has', 'get', 'put'], executor: ['run', 'close'] } as const;

const own = dirname(fileURLToPath(import.meta.url));

/**
 * A plugin by its name, `NAME` or `NAME:PLACE`: the package `@fewstep/cache-NAME`, or the package NAME where that has a
 * scope of its own. It is looked for from a folder upwards, then where fewstep itself is; code of it runs at once.
 *
 * @throws RunnerError E_PLUGIN where there is none, or it is none
 */
export async function findPlugin<W extends keyof Exports>(
  what: W,
  named: string,
  folder: string,
): Promise<Found<W>> {
  const [, name, place] = /^([^:]*)(?::(.*))?$/s.exec(named)!;
  const packageName = name!.startsWith('@') ? name! : `@fewstep/${what}-${name}`;
  if (name === '' || !/^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/.test(packageName))
    throw refusal(
      `${JSON.stringify(named)} names no ${what}: a name, and what it needs to know after a colon.`,
    );
  const path = [folder, own].map((from) => find(packageName, from)).find((found) => found !== undefined);
  if (path === undefined)
    throw refusal(
      `the ${what} "${name}" is not installed: no package ${packageName} from ${folder} upwards, nor beside fewstep. npm install ${packageName}`,
    );
  const { version } = manifestOf(path, packageName);
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as Partial<Exports>)[what];
  } catch (cause) {
    throw refusal(`${packageName} ${version} can't be loaded (${(cause as Error).message}).`, cause);
  }
  if (typeof exported !== 'function')
    throw refusal(`${packageName} ${version} is no ${what}: its module exports no function \`${what}\`.`);
  const open = async (given: object) => {
    let made: Record<string, unknown>;
    try {
      made = await exported({ ...given, place });
    } catch (cause) {
      throw refusal(`${packageName} ${version} can't be used (${(cause as Error).message}).`, cause);
    }
    const missing = methods[what].find((method) => typeof made?.[method] !== 'function');
    if (missing === undefined) return made;
    throw refusal(`${packageName} ${version} is no ${what}: what it gives has no method \`${missing}\`.`);
  };
  return { name: packageName, version, open: open as unknown as Found<W>['open'] };
}

/** The file of a package's module, as Node finds it from a folder. */
function find(packageName: string, folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'from-here.js')).resolve(packageName);
  } catch (cause) {
    if (codeOf(cause) === 'MODULE_NOT_FOUND' && !existsSync(join(folder, 'node_modules', packageName)))
      return undefined;
    throw refusal(
      `${packageName} is installed, and has no module ("exports" with "default"): ${(cause as Error).message}`,
      cause,
    );
  }
}

/** The manifest above a module's file. */
function manifestOf(path: string, packageName: string): Plugin {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Plugin;
    if (manifest.name === packageName) return manifest;
  }
  return { name: packageName, version: 'unknown' };
}

const refusal = (message: string, cause?: unknown) => new RunnerError('E_PLUGIN', message, { cause });
