import {
  type ActionRecord,
  type Digest,
  plan,
  type RemoteStore,
  type Store,
  type Versions,
} from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import { compile, rootsOf } from '../../graph/compile.js';
import { type CacheOption, openWorld, type StoreOptions, type World } from '../run/world.js';
import { readExperiments } from '../specs/experiments.js';

/** What there is of the tasks that specs need. */
export interface Results {
  /** Each once. */
  readonly records: readonly ActionRecord[];
  /** The families of shards among them. */
  readonly families: readonly Digest[];
  /** How many tasks have none, as far as can be known. */
  readonly toCompute: number;
}

/** What a plan of specs finds in a store. */
export async function resultsOf(
  specs: readonly string[],
  set: readonly string[] | undefined,
  { store, versions }: { readonly store: Store; readonly versions: Versions },
): Promise<Results> {
  const records = new Map<Digest, ActionRecord>();
  const families = new Set<Digest>();
  const watched: Store = {
    ...store,
    async lookup(key, outputs) {
      const found = await store.lookup(key, outputs);
      if (found) records.set(key, found.record);
      return found;
    },
    shards(family) {
      families.add(family);
      return store.shards(family);
    },
  };
  let toCompute = 0;
  for (const experiment of await readExperiments(specs, { set }))
    for (const { found, count } of await plan(rootsOf(compile(experiment)), { store: watched, versions }))
      toCompute += found ? 0 : count;
  return { records: [...records.values()], families: [...families], toCompute };
}

/** A world whose cache is copied to or from. @throws RunnerError E_CACHE where none is named */
export async function openCopying(
  options: StoreOptions & CacheOption,
  spec: string | undefined,
): Promise<World & { readonly store: RemoteStore }> {
  const world = await openWorld(options, spec, { unhurried: true });
  const { store } = world;
  if ('send' in store) return { ...world, store };
  throw new RunnerError(
    'E_CACHE',
    'no cache is named: --cache dir:/mnt/lab says one, or FEWSTEP_CACHE, or "cache: dir:/mnt/lab" in fewstep.config.yaml.',
  );
}
