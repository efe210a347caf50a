import type { Json } from '@fewstep/taskgraph';

/** Of all keys in Redis. */
export const prefix = 'fewstep';

/** One result is waited for by several coordinators, and by one that was ended and comes again. */
export const keptJobs = {
  attempts: 1,
  removeOnComplete: { age: 24 * 3600, count: 10_000 },
  removeOnFail: { age: 24 * 3600, count: 10_000 },
} as const;

/** The queue of a device: there is one for each kind of device, and a worker serves those of its own. */
export function resourceOf(device: Json): string {
  const { type, name } = device as { readonly type?: string; readonly name?: string };
  return (name ?? type ?? String(device)).replaceAll(/[^\w.-]/g, '-');
}
