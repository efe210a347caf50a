import { expect } from 'vitest';
import { type Disturbed, simulate } from './simulation.test.support.js';

/** Graphs of a run in all; `npm run properties` asks for more. */
export const graphs = Number(process.env.FEWSTEP_GRAPHS ?? 1_500);
/** Ten times what they take. */
export const timeout = graphs * 60;
const first = Number(process.env.FEWSTEP_FIRST_SEED ?? 0);

/** What a coordinator has at work at most when it is killed: items of shards, in its slots. */
const atWork = 8 * 9;

/** Runs so many graphs, each of which one of the ways goes wrong. @throws with the seed of what is not as it must be */
export async function expectAll(count: number, ways: readonly Disturbed[]): Promise<void> {
  const sums = { killed: 0, slices: 0, found: 0, collected: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const way = ways[seed % ways.length]!;
    const { killed, again, slices, collected, last } = await simulate(seed, way).catch((error) => {
      throw new Error(`FEWSTEP_FIRST_SEED=${seed}, ${JSON.stringify(way)}: ${error.message}`, {
        cause: error,
      });
    });
    // nothing is computed more often than was lost
    if (!way.damage && way.remote !== 'failing')
      expect(again, `seed ${seed}: computed again, ${killed} killed`).toBeLessThanOrEqual(killed * atWork);
    if (way.remote === 'sound') expect(last.computed, `seed ${seed}: computed, not fetched`).toBe(0);
    sums.killed += killed;
    sums.slices += slices;
    sums.collected += collected;
    sums.found += way.remote ? last.remote : last.local;
  }
  // it happened
  if (count >= 1000)
    for (const [what, times] of Object.entries(sums))
      if (what !== 'collected' || ways.some(({ collections }) => collections))
        expect(times, what).toBeGreaterThan(count / 25);
}
