import { resolve } from 'node:path';
import { openStore, type Store, type Versions } from '@fewstep/taskgraph';
import { filesOf } from '../files-of.js';
import { installedVersions } from '../versions.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}

export interface World {
  readonly store: Store & { readonly isNew: boolean };
  readonly versions: Versions;
}

/** The store of a command, and what its keys depend on. */
export async function openWorld({ store: path }: StoreOptions): Promise<World> {
  const store = await openStore(resolve(path ?? process.env.FEWSTEP_STORE ?? '.fewstep'), { filesOf });
  return { store, versions: installedVersions() };
}
