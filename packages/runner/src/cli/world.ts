import { resolve } from 'node:path';
import type { World } from '../graph/builder.js';
import { openStore, type Store } from '../store/store.js';
import { installedVersions } from '../versions.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}

/** The store of a command, and what its graphs depend on. */
export async function openWorld({ store: path }: StoreOptions): Promise<World & { readonly store: Store }> {
  const store = await openStore(resolve(path ?? process.env.FEWSTEP_STORE ?? '.fewstep'));
  return { store, versions: installedVersions(), shards: (family) => store.shards(family) };
}
