import { dirname, join, resolve } from 'node:path';
import {
  type Executor,
  openStore,
  type RemoteStore,
  type Store,
  type Versions,
  withRemote,
} from '@fewstep/taskgraph';
import { type ExecutorOptions, workplaceOf } from '../execute/experiment-executor.js';
import { filesOf } from '../files-of.js';
import { findPlugin, type Plugin } from '../plugins.js';
import { installedVersions } from '../versions.js';
import { folderFrom, workingFolder, workspaceRoot } from '../workspace.js';
import { shownPath } from './output.js';
import { say } from './say.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}
/** Of those whose store may look elsewhere for what it has not. */
export interface CacheOption {
  readonly cache?: string;
}

/** What a command works with. */
export interface World {
  readonly store: Store | RemoteStore;
  /** Whether there was nothing at all in it. */
  readonly isNew: boolean;
  readonly versions: Versions;
  /** Packages that aren't ours and take part. */
  readonly plugins: readonly Plugin[];
  openExecutor(): Promise<Executor>;
}

/** A name that is empty is none, as `--store "$UNSET"` gives it. */
const storeFolder = (given: string | undefined): string =>
  given
    ? resolve(workingFolder(), given)
    : (folderFrom('FEWSTEP_STORE') ?? join(workspaceRoot(), '.fewstep'));

/**
 * The store of a command, what its keys depend on, and where it computes.
 *
 * @param spec beside which plugins are looked for first, else in the working folder
 * @throws ModelError E_ENGINE, RunnerError E_PLUGIN, E_STORE_…
 */
export async function openWorld(
  { store: path, cache, ...executor }: StoreOptions & CacheOption & ExecutorOptions,
  spec?: string,
): Promise<World> {
  const folder = spec === undefined ? workingFolder() : dirname(resolve(workingFolder(), spec));
  const { open: openExecutor, plugins } = await workplaceOf(executor, folder);
  const store = await openStore(storeFolder(path), { filesOf });
  const { isNew } = store;
  const world: World = { store, isNew, versions: installedVersions(), plugins, openExecutor };
  if (cache === undefined) return world;
  const { open, name, version } = await findPlugin('cache', cache, folder);
  const onFailure = ({ message }: Error) =>
    say(`the cache ${name} fails (${message}): what it would have given is computed here`);
  return {
    ...world,
    store: withRemote(store, await open({}), { onFailure }),
    plugins: [{ name, version }, ...plugins],
  };
}

/** Says which store a command uses, and which plugins, before anything else. */
export function sayWorld(world: World): void {
  for (const line of worldLines(world)) say(line);
}

export const worldLines = ({ store: { dir }, isNew, plugins }: World): string[] => [
  `store: ${shownPath(dir)}${isNew ? ' (new)' : ''}`,
  ...plugins.map(({ name, version }) => `plugin: ${name} ${version}`),
];
