import { join, resolve } from 'node:path';
import { openStore, type Store, type Versions } from '@fewstep/taskgraph';
import { filesOf } from '../files-of.js';
import { installedVersions } from '../versions.js';
import { folderFrom, workingFolder, workspaceRoot } from '../workspace.js';
import { shownPath } from './output.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}

export interface World {
  readonly store: Store & { readonly isNew: boolean };
  readonly versions: Versions;
}

/** A name that is empty is none, as `--store "$UNSET"` gives it. */
const storeFolder = (given: string | undefined): string =>
  given
    ? resolve(workingFolder(), given)
    : (folderFrom('FEWSTEP_STORE') ?? join(workspaceRoot(), '.fewstep'));

/** The store of a command, and what its keys depend on. */
export async function openWorld({ store: path }: StoreOptions): Promise<World> {
  const store = await openStore(storeFolder(path), { filesOf });
  return { store, versions: installedVersions() };
}

/** Says which store a command uses, before anything else. */
export function sayStore({ store: { dir, isNew } }: World): void {
  process.stderr.write(`store: ${shownPath(dir)}${isNew ? ' (new)' : ''}\n`);
}
