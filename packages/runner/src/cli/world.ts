import { join, resolve } from 'node:path';
import { openStore, type RemoteStore, type Store, type Versions, withRemote } from '@fewstep/taskgraph';
import { filesOf } from '../files-of.js';
import { findPlugin, type Plugin } from '../plugins.js';
import { installedVersions } from '../versions.js';
import { folderFrom, workingFolder, workspaceRoot } from '../workspace.js';
import { shownPath } from './output.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}

/** Of those whose store may look elsewhere for what it has not. */
export interface CacheOption {
  readonly cache?: string;
}

export interface World {
  readonly store: Store | RemoteStore;
  /** Whether there was nothing at all in it. */
  readonly isNew: boolean;
  readonly versions: Versions;
  readonly plugins: readonly Plugin[];
}

/** A name that is empty is none, as `--store "$UNSET"` gives it. */
const storeFolder = (given: string | undefined): string =>
  given
    ? resolve(workingFolder(), given)
    : (folderFrom('FEWSTEP_STORE') ?? join(workspaceRoot(), '.fewstep'));

/** The store of a command, and what its keys depend on. `folder`: where plugins are looked for first. */
export async function openWorld(
  { store: path, cache }: StoreOptions & CacheOption,
  folder = workingFolder(),
): Promise<World> {
  const store = await openStore(storeFolder(path), { filesOf });
  const world: World = { store, isNew: store.isNew, versions: installedVersions(), plugins: [] };
  if (cache === undefined) return world;
  const { open, name, version } = await findPlugin('cache', cache, folder);
  const onFailure = ({ message }: Error) =>
    process.stderr.write(`the cache ${name} fails (${message}): what it would have given is computed here\n`);
  return {
    ...world,
    store: withRemote(store, await open({}), { onFailure }),
    plugins: [{ name, version }],
  };
}

/** Says which store a command uses, before anything else. */
export function sayStore({ store: { dir }, isNew, plugins }: World): void {
  process.stderr.write(`store: ${shownPath(dir)}${isNew ? ' (new)' : ''}\n`);
  for (const { name, version } of plugins) process.stderr.write(`plugin: ${name} ${version}\n`);
}
