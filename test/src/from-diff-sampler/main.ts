/** `npm run from-diff-sampler`: does on the digits what docs/from-diff-sampler.md says, and prints what comes out, as JSON. */
import { steps } from './digits.js';
import { fullSize, openWorld } from './world.js';

const world = await openWorld(fullSize);
try {
  for (const { typed, check } of steps) {
    const command = typed(fullSize);
    console.log(`\n$ ${command}`);
    await check(world);
    console.log((await world.run(`${command} --json`)).stdout.trim());
  }
} finally {
  await world.close();
}
