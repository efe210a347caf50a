import { isDigest } from './digest.js';
import { TaskgraphError } from './errors.js';
import { execute } from './execute.js';
import type { JobInput } from './executor.js';
import type { FileRef, Node, Task } from './graph.js';
import { isMap } from './json.js';
import { type Versions, versionsOf } from './key.js';
import { isKeyedTask, type KeyedTask } from './keyed-task.js';
import { type Kind, kindNamed } from './kind.js';
import type { Store } from './store/store.js';

/** A task whose inputs are all there, as plain data: whoever has the store can compute it, without the graph. */
export interface ReadyTask extends KeyedTask<JobInput> {
  readonly title: string;
}

/**
 * What of a graph can be computed now. Once it is, what waited for it is ready.
 *
 * A run that computes nothing: it takes no lease and writes nothing. Tasks that another run is at are among them.
 */
export async function ready(
  roots: readonly Node[],
  { store, versions }: { readonly store: Store; readonly versions: Versions },
): Promise<{ readonly tasks: readonly ReadyTask[]; readonly failures: ReadonlyMap<Node, Error> }> {
  const tasks: ReadyTask[] = [];
  let title = '';
  const { failures } = await execute(roots, {
    store: {
      ...store,
      lease: async () => ({ held: async () => true, release: async () => {} }),
      scratch: async () => '',
      discard: async () => {},
      noteShard: async () => {},
    },
    versions,
    executor: {
      slots: Number.POSITIVE_INFINITY,
      has: async () => true,
      async run({ key, kind, params, versions, hints, inputs, onStart }) {
        onStart();
        tasks.push({ key, kind: kind.name, title, params, versions, hints, inputs });
        throw new Ready();
      },
      close: async () => {},
    },
    onEvent(event) {
      if (event.type === 'started') title = event.task.title;
    },
  });
  return { tasks, failures: new Map([...failures].filter(([, error]) => !(error instanceof Ready))) };
}

class Ready extends Error {}

/**
 * A task out of a list, to be executed on the store that it is ready on; its key is the same.
 *
 * @throws TaskgraphError E_TASK_LIST: it is no task of these kinds, or its key is another's; E_TASK_VERSIONS where what
 *   computes here is of other versions; E_TASK_INPUT where the store has not what it reads
 */
export async function taskOf(
  given: unknown,
  { kinds, store, versions }: { kinds: Readonly<Record<string, Kind>>; store: Store; versions: Versions },
): Promise<Task> {
  const listed = parseReady(given);
  const kind = kindNamed(kinds, listed.kind);
  if (!kind) throw noTask(`there is no kind "${listed.kind.slice(0, 100)}" here`);
  const wrong = otherVersions(kind, listed.versions, versions);
  if (wrong.length > 0)
    throw new TaskgraphError(
      'E_TASK_VERSIONS',
      `${listed.title}: ${wrong.join(', ')}. Install those, or make the list anew with these.`,
      { exitCode: 2 },
    );
  const inputs: Record<string, FileRef[]> = {};
  for (const [name, list] of Object.entries(listed.inputs))
    inputs[name] = await Promise.all(
      list.map(async (input): Promise<FileRef> => {
        if ('file' in input) return { file: input.file, ...(input.as !== undefined && { as: input.as }) };
        await store.hold([input.digest]);
        const file = await store.blob(input);
        if (file !== undefined) return { file };
        throw new TaskgraphError(
          'E_TASK_INPUT',
          `${listed.title}: its ${name} ${input.digest} is not in ${store.dir}: the list is of another store, or its cache is missing.`,
          { exitCode: 2, evidence: { input: name, digest: input.digest } },
        );
      }),
    );
  const { key, title, params, hints } = listed;
  return { id: key, kind, params, inputs, hints, title, work: 0 };
}

/** Which versions a task is of that are others here, in words. */
export function otherVersions(kind: Kind, asked: ReadyTask['versions'], versions: Versions): string[] {
  const own = versionsOf(kind, versions);
  return [...new Set([...Object.keys(asked), ...Object.keys(own)])]
    .filter((name) => asked[name] !== own[name])
    .map((name) => {
      const what = name === 'task' ? `revision of ${kind.name}` : name;
      return `${what} ${asked[name] ?? 'none'} is asked for, and it has ${own[name] ?? 'none'}`;
    });
}

const noTask = (why: string) =>
  new TaskgraphError('E_TASK_LIST', `${why}: a line of a list is a task as \`ready\` gives it.`, {
    exitCode: 2,
  });
const isInput = (value: unknown): value is JobInput =>
  isMap(value) &&
  isDigest(value.digest) &&
  (value.file === undefined
    ? Number.isSafeInteger(value.size) && (value.size as number) >= 0
    : typeof value.file === 'string' && (value.as === undefined || typeof value.as === 'string'));

function parseReady(value: unknown): ReadyTask {
  if (!isKeyedTask(value, isInput))
    throw noTask('something of it is missing, or its key is not of what it says');
  const { title } = value as Partial<ReadyTask>;
  if (typeof title !== 'string') throw noTask('it has no title');
  return { ...value, title };
}
