/** `npm run faults`: faults at full strength; `npm run faults -- KILLS REDIS SEED` at another. Says what was done, and that all held. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom } from '../fuzz/mutate.js';
import { faults } from './faults.js';
import { noRedis } from './redis-server.js';

if (noRedis) throw new Error(noRedis);
const [kills = 200, redis = 20, seed = 1] = process.argv.slice(2).map(Number);
const folder = await mkdtemp(join(tmpdir(), 'fewstep-faults-'));
const begun = Date.now();
const below = randomFrom(seed);
const counts = await faults(
  folder,
  { kills, redis, longStop: { ms: 60_000, of: 10 }, leaves: 12, ms: 150 },
  { random: () => below(2 ** 30) / 2 ** 30, say: (text) => process.stderr.write(`${text}\n`) },
);
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify({ ...counts, seconds: Math.round((Date.now() - begun) / 1000) }, null, 2));
