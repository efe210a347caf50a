import type { Golden } from './golden.js';

/** One golden case run by our code. A skip names its reason; a failure says what differed and by how much. */
export type Outcome =
  | { readonly id: string; readonly status: 'passed' }
  | { readonly id: string; readonly status: 'failed' | 'skipped'; readonly reason: string };

/** Runs every case of one folder of golden figures, in the order of its index. It knows no case by name. */
export type Topic = (golden: Golden) => Promise<Outcome[]>;

/** Runs a topic, and skips by name the arrays that no case has compared or started from. */
export async function runTopic(topic: Topic, golden: Golden): Promise<Outcome[]> {
  const outcomes = await topic(golden);
  const unread = golden.unread();
  if (unread.length === 0) return outcomes;
  const reason = `${unread.length} arrays that no case reads: ${unread.slice(0, 5).join(', ')}`;
  return [...outcomes, { id: 'arrays', status: 'skipped', reason }];
}

/** Runs one case: `check` returns undefined when it passed, or what differed. A thrown error is a failure. */
export async function outcome(
  id: string,
  check: () => Promise<string | undefined> | string | undefined,
): Promise<Outcome> {
  try {
    const reason = await check();
    return reason === undefined ? { id, status: 'passed' } : { id, status: 'failed', reason };
  } catch (error) {
    return { id, status: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
