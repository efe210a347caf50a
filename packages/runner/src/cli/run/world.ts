import { dirname, join, resolve } from 'node:path';
import {
  type ActionRecord,
  type Executor,
  isBelieved,
  openStore,
  type RemoteOptions,
  type RemoteStore,
  type SharedFiles,
  type Store,
  sharedFiles,
  type Versions,
  withRemote,
} from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { RunnerError } from '../../errors.js';
import {
  type ExecutorOptions,
  executorNamed,
  type Workplace,
  workplaceOf,
} from '../../execute/experiment-executor.js';
import { filesOf } from '../../files-of.js';
import { type NamedCache, namedCache } from '../../named-cache.js';
import { findPlugin, type Plugin } from '../../plugins.js';
import { sameDevice } from '../../same-device.js';
import { installedVersions } from '../../versions.js';
import { folderFrom, workingFolder, workspaceRoot } from '../../workspace.js';
import { shownPath } from '../reports/output.js';
import { megabytes } from '../terminal/quantities.js';
import { say, warn } from '../terminal/say.js';

/** Options that every command with a store takes. */
export interface StoreOptions {
  readonly store?: string;
}
/** Of those whose store may look elsewhere for what it has not. */
export interface CacheOption {
  readonly cache?: string;
}
/** Of those that compute. */
interface DeviceOptions extends ExecutorOptions {
  readonly sameDevice?: boolean;
}

/** What a command works with. */
export interface World {
  readonly store: Store | RemoteStore;
  /** Where it looks for what it has not; undefined where it looks nowhere. */
  readonly cache?: NamedCache;
  /** Whether there was nothing at all in it. */
  readonly isNew: boolean;
  readonly versions: Versions;
  /** Packages that aren't ours and take part. */
  readonly plugins: readonly Plugin[];
  openExecutor(): Promise<Executor>;
  /** Executors of this machine, by the kind of their devices. */
  executors: Workplace['each'];
  /** The same store, which looks elsewhere anew: what has failed once is asked again; and where its files are shared. */
  open(): { readonly store: Store | RemoteStore; readonly files: SharedFiles };
}

/** A name that is empty is none, as `--store "$UNSET"` gives it. */
export const storeFolder = (given: string | undefined): string =>
  given
    ? resolve(workingFolder(), given)
    : (folderFrom('FEWSTEP_STORE') ?? join(workspaceRoot(), '.fewstep'));

/** The store of a command that computes nothing. @throws TaskgraphError E_STORE_… */
export const openOwnStore = ({ store }: StoreOptions): Promise<Store> =>
  openStore(storeFolder(store), { filesOf });

/**
 * The store of a command, what its keys depend on, and where it computes.
 *
 * - `spec`: beside which plugins are looked for first, else in the working folder.
 * - `unhurried`: files come from its cache and go there however long that takes.
 *
 * @throws ModelError E_ENGINE, RunnerError E_PLUGIN, E_CACHE, SpecError E_SPEC of fewstep.config.yaml, E_STORE_…
 */
export async function openWorld(
  {
    store: path,
    cache: cacheOption,
    sameDevice: ofSameDevice,
    ...executor
  }: StoreOptions & CacheOption & DeviceOptions,
  spec?: string,
  { unhurried = false }: { readonly unhurried?: boolean } = {},
): Promise<World> {
  const folder = spec === undefined ? workingFolder() : dirname(resolve(workingFolder(), spec));
  const workplace = await workplaceOf(executor, folder);
  const secret = cacheKey();
  const isRight = ofSameDevice ? sameDevice(workplace.devices) : () => true;
  const accepts = (record: ActionRecord) => isRight(record) && isBelieved(record, secret);
  const local = await openStore(storeFolder(path), { filesOf, accepts });
  const cache = await namedCache(cacheOption, folder);
  if (cache?.readOnly && executorNamed(executor) !== undefined)
    throw new RunnerError(
      'E_CACHE',
      `the cache ${withoutSecrets(cache.plugin)} is only read (${cache.by}), and what other machines compute comes through it: name it without ,ro.`,
    );
  const plugin = cache && (await findPlugin('cache', cache.plugin, folder));
  const remote = cache && (await plugin?.open({ folder: cache.folder }));
  const open = () => {
    const store =
      plugin && remote
        ? withRemote(local, remote, {
            readOnly: cache.readOnly,
            secret,
            accepts: isRight,
            unhurried,
            ...tellingOf(plugin.name),
          })
        : local;
    return { store, files: sharedFiles(store, remote) };
  };
  const { store, files } = open();
  return {
    store,
    ...(cache && { cache }),
    isNew: local.isNew,
    versions: installedVersions(),
    plugins: [...(plugin ? [{ name: plugin.name, version: plugin.version }] : []), ...workplace.plugins],
    openExecutor: () => workplace.open(files, say),
    executors: workplace.each,
    open,
  };
}

/** What is said of a cache that isn't as it should be. */
const tellingOf = (name: string): RemoteOptions => ({
  onFailure: ({ message }) => warn(`the cache ${name} fails (${message}): the run goes on without it`),
  onSlow: ({ size, bytesPerSecond, seconds }) =>
    warn(
      `the cache ${name} is slow (${megabytes(bytesPerSecond)}/s): files that take longer to move than to compute are given up, the first of ${megabytes(size)} and ${seconds.toFixed(1)} s`,
    ),
  onRefused: ({ unsigned, others }) => {
    const told = (count: number, why: string) =>
      count > 0 &&
      warn(
        `${count} of the results of the cache ${name} count as not there, for ${count === 1 ? 'it is' : 'they are'} ${why}`,
      );
    told(unsigned, 'not signed with FEWSTEP_CACHE_KEY');
    told(others, 'from another kind of device');
  },
});

const leastKeyLength = 16;

/** The laboratory's key, which signs what a cache is given. @throws RunnerError E_CACHE where it could be guessed */
function cacheKey(): string | undefined {
  const key = process.env.FEWSTEP_CACHE_KEY || undefined;
  if (key === undefined || key.length >= leastKeyLength) return key;
  throw new RunnerError(
    'E_CACHE',
    `FEWSTEP_CACHE_KEY has ${key.length} characters, and one that can be guessed signs nothing: take at least ${leastKeyLength}, as openssl rand -hex 32 prints.`,
  );
}

/** Waits for what the cache is given, and has it tell what it refused; nothing where there is no cache. */
export async function settle({ store }: Pick<World, 'store'>): Promise<void> {
  if ('settled' in store) await store.settled();
}

/** Says which store a command uses, and which plugins, before anything else. */
export function sayWorld(world: World): void {
  for (const line of worldLines(world)) say(line);
}

export const worldLines = ({ store: { dir }, isNew, plugins, cache }: World): string[] => [
  `store: ${shownPath(dir)}${isNew ? ' (new)' : ''}`,
  ...(cache
    ? [`cache: ${withoutSecrets(cache.plugin)}${cache.readOnly ? ', only read' : ''} (${cache.by})`]
    : []),
  ...plugins.map(({ name, version }) => `plugin: ${name} ${version}`),
];
