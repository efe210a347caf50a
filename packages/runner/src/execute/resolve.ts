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
    inputs[name] = await Promise.all(
      list.map(async (input) =>
        'file' in input
          ? store.fileDigest(input.file)
          : (await recordOf(input.task)).outputs[input.output]!.digest,
      ),
    );
  }
  return { kind: task.kind, params: task.params, inputs, versions: versionsOf(task.kind, versions) };
}
