import { expect, it } from 'vitest';
import { simulate } from './simulation.test.support.js';

/** Graphs of a run; `npm run properties` asks for more. */
const graphs = Number(process.env.FEWSTEP_GRAPHS ?? 400);
const first = Number(process.env.FEWSTEP_FIRST_SEED ?? 0);

const calm = { kills: false, damage: false, failures: false };

it(`ends as an undisturbed run does, whatever happens on the way (${graphs} graphs)`, async () => {
  let kills = 0;
  for (let seed = first; seed < first + graphs; seed++) {
    const way = seed % 4;
    const disturbed = { kills: way === 0 || way === 3, damage: way === 1 || way === 3, failures: way === 2 };
    const undisturbed = await simulate(seed, calm).catch((error) => {
      throw new Error(`seed ${seed}, undisturbed: ${error.message}`, { cause: error });
    });
    for (const [id, times] of undisturbed.computed) expect(times, `seed ${seed}: ${id}`).toBe(1);
    const { results, computed, killed } = await simulate(seed, disturbed).catch((error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
    expect([...results].sort(), `seed ${seed}`).toEqual([...undisturbed.results].sort());
    if (way !== 0) continue;
    // Each that was killed had at most as many tasks at work as it had slots.
    const more = [...computed.values()].reduce((sum, times) => sum + times - 1, 0);
    expect(more, `seed ${seed}: computed again, of ${killed} killed`).toBeLessThanOrEqual(8 * killed);
    kills += killed;
  }
  if (graphs >= 100) expect(kills).toBeGreaterThan(graphs / 20);
});
