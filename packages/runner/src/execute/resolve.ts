import type { Task, Versions } from '../graph/task.js';
import { versionsOf } from '../graph/task.js';
import type { Digest } from '../store/digest.js';
import type { ActionRecord, KeyComponents, Store } from '../store/store.js';

/** The key components of a task whose inputs are known: digests take the place of tasks and files. */
export async function componentsOf(
  task: Task,
  recordOf: (input: Task) => Promise<ActionRecord>,
  store: Store,
  versions: Versions,
): Promise<KeyComponents> {
  const inputs: Record<string, Digest[]> = {};
  for (const [name, list] of Object.entries(task.inputs)) {
    const digests = await Promise.all(
      list.map(async (input) => {
        if ('file' in input) return store.fileDigest(input.file);
        const { outputs } = await recordOf(input.task);
        return input.optional ? outputs[input.output]?.digest : outputs[input.output]!.digest;
      }),
    );
    const there = digests.filter((digest) => digest !== undefined);
    if (there.length > 0) inputs[name] = there;
  }
  return { kind: task.kind, params: task.params, inputs, versions: versionsOf(task.kind, versions) };
}
