/**
 * A machine of a toy laboratory, as a process of its own: `node machine.js ROLE JSON`.
 *
 * It says what becomes of it in lines of JSON on standard output.
 */
import { join } from 'node:path';
import { executor as coordinator, worker } from '@fewstep/executor-bullmq';
import { execute, localExecutor, openStore, sharedFiles, withRemote } from '@fewstep/taskgraph';
import { folderRemote } from './folder-remote.js';
import { oddTask, toyGraph } from './kinds.js';

/** What a machine is told. */
export interface Told {
  /** Its own folder, with its store and the file from outside. */
  readonly folder: string;
  /** A folder that all machines see; without one they share the store. */
  readonly remote?: string | undefined;
  /** Without one the machine computes by itself. */
  readonly redis?: string | undefined;
  readonly version?: string;
  readonly jobs?: number;
  readonly leaves?: number;
  readonly ms?: number;
  readonly from?: number;
  readonly odd?: 'fail' | 'crash' | 'killer' | 'code';
}
/** What a coordinator says in the end. */
export interface Ended {
  readonly computed: number;
  readonly digests: Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
  readonly failures: readonly { readonly code: string; readonly message: string }[];
}

const [role, json] = process.argv.slice(2) as ['coordinator' | 'worker', string];
const told: Told = JSON.parse(json);
const kinds = new URL('./kinds.js', import.meta.url);
const versions = { toys: told.version ?? '1.0.0' };
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const say = (said: string) => tell({ said });

const local = await openStore(join(told.folder, 'store'));
const remote = told.remote === undefined ? undefined : folderRemote(told.remote);
const open = () => {
  const store = remote ? withRemote(local, remote, { onFailure: ({ message }) => say(message) }) : local;
  return { store, files: sharedFiles(store, remote) };
};
const here = localExecutor({ kinds, jobs: told.jobs ?? 1 });

if (role === 'worker') {
  const serving = await worker({
    ...{ place: told.redis, kinds, versions, open, say },
    executors: [{ device: { type: 'cpu' }, executor: here }],
  });
  tell({ serving: serving.queues });
  const alive = setInterval(() => {}, 1 << 30);
  process.once('SIGTERM', async () => {
    await serving.close();
    clearInterval(alive);
    process.exit();
  });
} else {
  const { store, files } = open();
  const executor =
    told.redis === undefined ? here : await coordinator({ place: told.redis, here, files, say });
  const data = join(told.folder, 'data');
  const nodes =
    told.odd === undefined
      ? toyGraph(told.leaves ?? 4, told.ms ?? 1, data, told.from)
      : oddTask(told.odd === 'code' ? undefined : told.odd, told.odd === 'code' ? data : undefined);
  const stop = new AbortController();
  process.once('SIGTERM', () => {
    stop.abort();
    void executor.close();
  });
  const { records, failures, computed } = await execute(nodes, {
    ...{ store, executor, versions, signal: stop.signal },
    onEvent: (event) => {
      if (event.type === 'started' || event.type === 'computed') tell({ [event.type]: event.task.title });
      if (event.type === 'warning') say(event.text);
    },
  });
  if ('settled' in store) await store.settled();
  tell({
    computed,
    digests: Object.fromEntries(
      [...records].map(([{ title }, { outputs }]) => [title, outputs.text!.digest]),
    ),
    hosts: [...new Set([...records.values()].map(({ provenance }) => provenance.host))],
    failures: [...failures.values()].map((error) => ({
      code: (error as { code?: string }).code ?? '',
      message: error.message,
    })),
  } satisfies Ended);
  await executor.close();
  await here.close();
}
