import { afterAll, beforeAll, describe, it } from 'vitest';
import { steps } from './from-diff-sampler/digits.js';
import { groups } from './from-diff-sampler/page.js';
import { openWorld, smallSize, type World } from './from-diff-sampler/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld(smallSize);
});
afterAll(() => world.close());

for (const { title, rows } of groups)
  describe.concurrent(`${title}, as docs/from-diff-sampler.md has it`, () => {
    it.each(rows)('$official', async (row) => {
      await row.check(world);
    });
  });

describe.concurrent('done on the digits', () => {
  it.each(steps)('$official', async (step) => {
    await step.check(world);
  });
});
