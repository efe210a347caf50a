import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPackage, packageNamed } from '@fewstep/models/find-package';
import type { Executor, Json, Remote, SharedFiles, Store, Versions } from '@fewstep/taskgraph';
import { codeOf } from '@fewstep/taskgraph/errors';
import { RunnerError } from './errors.js';
import { workingFolder } from './workspace.js';

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

/** What that of a cache gets. */
export interface CacheGiven extends Given {
  /** What a relative place is relative to. */
  readonly folder: string;
}

/** What that of an executor gets. */
export interface ExecutorGiven extends Given {
  /** Address of the module that exports the kinds of tasks as `kinds`. */
  readonly kinds: URL;
  /** Child processes of this machine: for what can be computed here alone. */
  readonly here: Executor;
  /** What evaluates networks, as the command line was told. */
  readonly devices: readonly Json[];
  /** Where other machines reach files: a cache, or the store where they share it. */
  readonly files: SharedFiles;
  /** Tells people what they should know. */
  say(text: string): void;
}

/** What that of a worker gets. */
interface WorkerGiven extends Given {
  readonly kinds: URL;
  /** Of the packages that compute here. */
  readonly versions: Versions;
  /** A store for one task, and where its files are reached by others. */
  readonly open: () => { readonly store: Store; readonly files: SharedFiles };
  /** Child processes of this machine, by the kind of their devices; whoever gets them ends them. */
  readonly executors: readonly { readonly device: Json; readonly executor: Executor }[];
  say(text: string): void;
}

/** A worker that takes tasks. */
interface Serving {
  /** What it serves, for people. */
  readonly queues: readonly string[];
  /** Gives back what it has begun, and ends. */
  close(): Promise<void>;
}

/** What the module of a plugin exports, by what it is. */
interface Exports {
  /** `@fewstep/cache-NAME`: what machines share. */
  cache(given: CacheGiven): Remote | Promise<Remote>;
  /** `@fewstep/executor-NAME`: where tasks are computed. */
  executor(given: ExecutorGiven): Executor | Promise<Executor>;
  /** The same package, where its tasks are computed by workers of ours. */
  worker(given: WorkerGiven): Serving | Promise<Serving>;
}

/** A plugin that was found. */
interface Found<W extends keyof Exports> extends Plugin {
  /** Makes what it is for. @throws RunnerError E_PLUGIN */
  open(given: Omit<Parameters<Exports[W]>[0], 'place'>): Promise<Awaited<ReturnType<Exports[W]>>>;
}

/** What each of them must be able to do. */
const methods = { cache: ['has', 'get', 'put'], executor: ['run', 'close'], worker: ['close'] } as const;
const packageKinds = { cache: 'cache', executor: 'executor', worker: 'executor' } as const;

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
  const packageName = packageNamed(packageKinds[what], name!);
  if (packageName === undefined)
    throw refusal(
      `${JSON.stringify(name)} names no ${packageKinds[what]}: a name, and what it needs to know after a colon.`,
    );
  const found = await findPackage(packageName, [folder, own], refusal);
  if (found === undefined)
    throw refusal(
      `the ${packageKinds[what]} "${name}" is not installed: no package ${packageName} from ${folder} upwards, nor beside fewstep. npm install ${packageName}`,
    );
  const { version } = found;
  const exported = found.exported[what];
  if (typeof exported !== 'function')
    throw refusal(`${packageName} ${version} is no ${what}: its module exports no function \`${what}\`.`);
  const open = async (given: object) => {
    let made: Record<string, unknown>;
    try {
      made = await exported({ ...given, place });
    } catch (cause) {
      if (codeOf(cause)?.startsWith('E_')) throw cause;
      throw refusal(`${packageName} ${version} can't be used (${(cause as Error).message}).`, cause);
    }
    const missing = methods[what].find((method) => typeof made?.[method] !== 'function');
    if (missing === undefined) return made;
    throw refusal(`${packageName} ${version} is no ${what}: what it gives has no method \`${missing}\`.`);
  };
  return { name: packageName, version, open: open as unknown as Found<W>['open'] };
}

/** Which package an engine is that a device names. */
export async function engineNamed(name: string): Promise<Plugin> {
  const packageName = packageNamed('engine', name)!;
  const { version } = (await findPackage(packageName, [workingFolder(), own], refusal))!;
  return { name: packageName, version };
}

const refusal = (message: string, cause?: unknown) => new RunnerError('E_PLUGIN', message, { cause });
